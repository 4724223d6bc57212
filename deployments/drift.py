"""Drift: compares what is live with the record, and adopts differences on request."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from audit import trail
from audit.trail import SYSTEM, Actor, Subject
from deployments.history import records
from deployments.history.live_workflows import LiveWorkflows
from deployments.models import Deployment, DriftCheck, DriftState
from deployments.pipeline.config import env_diff
from deployments.pipeline.site_checks import CHANGED_BY, describe_split
from deployments.pipeline.stages import Status
from deployments.pipeline.trigger_reconciler import merged
from targets import policy
from targets.cloudflare import triggers, versions
from targets.cloudflare.account import Account, LiveVersion
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import differences, parse_triggers
from targets.lookup import account_of
from targets.models import Target
from toolchain.redaction import redact
from workflows.masked_values import masked_values
from workflows.models import Workflow

logger = logging.getLogger(__name__)

NO_DRIFT: Final = "There is no drift to adopt. Check again first."
_CHANGED_SINCE: Final = "A deployment has started since this check, so the result may be out of date. Check again first."
_SPLIT: Final = (
    "A gradual rollout cannot be adopted, because no version gets all requests. Finish the rollout "
    "on the target, check again and adopt the result, or overwrite it with a deploy."
)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def check(workflow: Workflow, target: Target) -> DriftCheck:
    """Compare what is live with the record, and save the result.

    If the target cannot be reached, the state is unknown and the message says why.
    """
    drift_check, _ = DriftCheck.objects.get_or_create(workflow=workflow, target=target)
    started_at = timezone.now()
    if _is_changing(workflow, target, since=started_at):
        return drift_check  # a deployment in progress is not drift
    live = records.live(workflow.pk, target)
    if live is None:
        _set_result(drift_check, DriftState.UNKNOWN, message="The workflow is not deployed here.")
        drift_check.checked_at = started_at
        drift_check.save()
        return drift_check
    try:
        _compare(drift_check, live, account_of(target))
    except DeployError as error:
        _set_result(drift_check, DriftState.UNKNOWN, message=str(error))
    if not _is_changing(workflow, target, since=started_at):
        drift_check.checked_at = started_at
        drift_check.save()
    return drift_check


def _is_changing(workflow: Workflow, target: Target, *, since: datetime) -> bool:
    """Return whether a deployment is running or has started since, which makes a check unreliable."""
    changing = Q(status=Status.RUNNING.value) | Q(started_at__gte=since)
    recent = Deployment.objects.order_by().filter(changing)
    # A subquery, because SQLite would read all deployments of the Worker.
    return records.of_worker(workflow.pk, target).filter(pk__in=recent.values("pk")).exists()


def _compare(drift_check: DriftCheck, live: Deployment, account: Account) -> None:
    current = account.live(live.worker_name)
    if current.split:
        row = f"A gradual rollout is in progress: {describe_split(current.split)}."
        _set_result(drift_check, DriftState.DRIFTED, rows=[row])
        return
    if not current.version:
        message = f"The Worker {live.worker_name} no longer exists."
        _set_result(drift_check, DriftState.GONE, message=message)
        return
    expected = parse_triggers(_expected_config(drift_check, live))
    candidates = merged(records.previous_triggers(live), expected)
    actual = triggers.read(account, live.worker_name, candidates)
    version = records.known_version(live.workflow_public_id, live.target_id)
    rows = [str(difference) for difference in differences(expected, actual)]
    if current.version != version:
        rows = [_describe_version(current, version), *rows]
        rows += _env_differences(live, account, current.version)
    state = DriftState.DRIFTED if rows else DriftState.SAME
    _set_result(
        drift_check, state, rows=rows, version=current.version, actual_config=actual.as_config()
    )


def _describe_version(current: LiveVersion, expected: str) -> str:
    unknown = f"by {current.source}" if current.source else "by someone"
    by = CHANGED_BY.get(current.source, unknown)
    return f"Version {current.version} is live, deployed {by}; expected {expected}."


def _expected_config(drift_check: DriftCheck, live: Deployment) -> dict[str, Any]:
    """Return the expected wrangler.json: the record's, or what was adopted since."""
    if drift_check.adopted_config and drift_check.was_adopted_after(live.pk):
        return dict(drift_check.adopted_config)
    return dict(records.record_of(live).config)


def _env_differences(live: Deployment, account: Account, version: str) -> list[str]:
    """Return the entries of env that differ; secrets are compared only by name."""
    expected = env_diff.expected_env(records.record_of(live).config, live.secret_names)
    bindings = versions.version_bindings(account, live.worker_name, version) or []
    actual = env_diff.actual_env(bindings)
    return [
        f"env.{name} is {actual.get(name, 'missing')}; expected {expected.get(name, 'nothing')}."
        for name in sorted({*expected, *actual})
        if expected.get(name) != actual.get(name)
    ]


def _set_result(
    drift_check: DriftCheck,
    state: DriftState,
    *,
    message: str = "",
    rows: Iterable[str] = (),
    version: str = "",
    actual_config: dict[str, Any] | None = None,
) -> None:
    hide = partial(redact, secrets=masked_values(drift_check.workflow_id))
    drift_check.state = state.value
    drift_check.message = hide(message)
    drift_check.differences = list(map(hide, rows))
    drift_check.live_version = version
    drift_check.actual_config = actual_config or {}


def objection(drift_check: DriftCheck) -> str:
    """Return why the result cannot be adopted, and what to do instead; "" if it can."""
    live = records.live(drift_check.workflow_id, drift_check.target)
    is_drifted = drift_check.state == DriftState.DRIFTED.value
    if not is_drifted or live is None or drift_check.checked_at is None:
        return NO_DRIFT
    if _is_changing(drift_check.workflow, drift_check.target, since=drift_check.checked_at):
        return _CHANGED_SINCE
    return "" if drift_check.live_version else _SPLIT


def adopt(drift_check: DriftCheck, *, by: Actor = SYSTEM) -> DriftCheck:
    """Adopt the actual state: it is the expected state until the next deployment.

    Raises Refused if there is nothing to adopt, or the check is out of date.
    """
    if refusal := objection(drift_check):
        raise policy.Refused(refusal)
    with transaction.atomic():
        drift_check.adopted_config = drift_check.actual_config
        drift_check.adopted_version = drift_check.live_version
        newest = records.of_worker(drift_check.workflow_id, drift_check.target)[:1].get()
        drift_check.adopted_after = newest.pk
        count = len(drift_check.differences)
        _set_result(
            drift_check,
            DriftState.SAME,
            version=drift_check.live_version,
            actual_config=drift_check.actual_config,
        )
        drift_check.save()
        subject = Subject("workflow", drift_check.workflow_id, drift_check.workflow.name)
        trail.record("drift adopted", subject, by=by, target=drift_check.target.name, found=count)
    return drift_check


def check_due(live: LiveWorkflows | None = None) -> None:
    """Check the one Worker whose last check is oldest, if that check is due.

    A caller that calls this again passes the same `live`, which then reads only what has changed.
    """
    hours = settings.AWAITSTEP.drift_hours
    pair = _longest_unchecked(live or LiveWorkflows(), timedelta(hours=hours)) if hours else None
    if pair is None:
        return
    with bound_contextvars(workflow=pair[0].pk):
        _check_and_log(*pair)


def _check_and_log(workflow: Workflow, target: Target) -> None:
    try:
        check(workflow, target)
    except Exception:
        logger.exception("%s could not be checked for drift on %s", workflow, target)
        values = {"state": DriftState.UNKNOWN.value, "checked_at": timezone.now()}
        values["message"] = "The check failed. The server log has the details."
        DriftCheck.objects.update_or_create(workflow=workflow, target=target, defaults=values)


def _longest_unchecked(live: LiveWorkflows, interval: timedelta) -> tuple[Workflow, Target] | None:
    """Return the Worker whose check is due first, without those that are being changed now."""
    now = timezone.now()
    live.update()
    recent = DriftCheck.objects.filter(checked_at__gt=now - interval)
    unchecked = set(live.pairs).difference(recent.values_list("workflow", "target"))
    for pair in _oldest_first(unchecked):
        workflow = Workflow.objects.only("name").filter(pk=pair[0]).first()
        target = Target.objects.filter(pk=pair[1]).first()
        if workflow and target and not _is_changing(workflow, target, since=now):
            return workflow, target
    return None


def _oldest_first(pairs: set[tuple[str, int]]) -> list[tuple[str, int]]:
    """Sort the ids of workflows and targets by their last check; those without one come first."""
    rows = (
        DriftCheck.objects.filter(checked_at__isnull=False) if pairs else DriftCheck.objects.none()
    )
    checked = {
        (id_, target): at
        for id_, target, at in rows.values_list("workflow", "target", "checked_at")
    }
    return sorted(pairs, key=lambda pair: (checked.get(pair, _NEVER), pair))


def live_pairs() -> list[tuple[Workflow, Target]]:
    """Return each workflow and target with a live Worker in the record."""
    live = records.not_taken_down().filter(workflow__isnull=False, target__isnull=False)
    pairs = list(live.order_by("workflow", "target").values_list("workflow", "target").distinct())
    workflows = Workflow.objects.only("name").in_bulk({workflow for workflow, _ in pairs})
    targets = Target.objects.in_bulk({target for _, target in pairs})
    return [(workflows[workflow], targets[target]) for workflow, target in pairs]
