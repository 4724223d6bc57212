"""What is known before a rollback about the secrets that would prevent it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db.models import Q

from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.secret_changes import SecretChanges
from targets.cloudflare import retries, versions
from targets.cloudflare.errors import DeployError
from targets.cloudflare.time_limits import until_deadline
from targets.lookup import account_of
from targets.models import Target
from workflows.models import EnvironmentVariable

_SECONDS: Final = 3.0
_UNCHANGED: Final = SecretChanges()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretsForecast:
    """`changes` certainly prevent a rollback; `saved` may, because their values may be different now.

    `problem` says why the target could not be queried.
    """

    changes: SecretChanges = _UNCHANGED
    saved: tuple[str, ...] = ()
    problem: str = ""


def forecast_secrets(to: Deployment) -> SecretsForecast:
    """Compare the secrets of the deployment's version with those that the Worker has now."""
    live = records.live(to.workflow_public_id, to.target_id)
    if to.target is None or (live and live.version_id == to.version_id):
        return SecretsForecast()
    saved = tuple(_saved_since(to))
    try:
        return SecretsForecast(changes=_changes(to, to.target), saved=saved)
    except DeployError as error:
        return SecretsForecast(saved=saved, problem=str(error))


def _changes(to: Deployment, target: Target) -> SecretChanges:
    account = account_of(target)
    with retries.using(until_deadline(_SECONDS)):
        before = versions.version_secrets(account, to.worker_name, to.version_id)
        if before is None:
            return SecretChanges()
        return SecretChanges.between(before, account.secret_names(to.worker_name))


def _saved_since(to: Deployment) -> list[str]:
    """Return the deployment's secrets whose variables were saved and deployed since."""
    later = records.of_worker(to.workflow_public_id, to.target_id).filter(
        records.changed_what_is_live(), pk__gt=to.pk
    )
    newest = later.order_by("-pk").only("secret_names", "started_at").first()
    if newest is None or newest.started_at is None or to.started_at is None:
        return []
    both = set(to.secret_names) & set(newest.secret_names)
    variables = EnvironmentVariable.objects.filter(
        Q(workflow=None) | Q(workflow=to.workflow_id),
        name__in=both,
        updated_at__gt=to.started_at,
        updated_at__lt=newest.started_at,
    )
    return sorted(set(variables.values_list("name", flat=True)))
