"""Drift: what is live compared with the record, and what a person makes of a difference."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit import trail
from audit.trail import SYSTEM, Actor, Subject
from deployments.history import records
from deployments.models import Deployment, DriftCheck, DriftState
from deployments.pipeline.config import env_diff
from deployments.pipeline.site_checks import CHANGED_BY, describe_split
from deployments.pipeline.stages import Status
from deployments.pipeline.trigger_reconciler import merged
from targets import policy
from targets.cloudflare import triggers, versions
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.cloudflare.worker_parts import config_of, differences, parse_triggers
from targets.lookup import account_of
from targets.models import Target
from workflows.models import Workflow

logger = logging.getLogger(__name__)

NO_DRIFT: Final = "There is no drift here to adopt: check again first."
_CHANGED_SINCE: Final = "A deployment has begun since this was looked at, so it may be another by now: check again first."
_SPLIT: Final = (
    "A gradual rollout cannot be adopted, because no version takes all requests. Finish it at the "
    "target, so that one version has 100 %, check again and adopt that; or overwrite it by a deploy."
)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def check(workflow: Workflow, target: Target) -> DriftCheck:
    """Compare what is live with the record and write down what was found.

    A target that cannot be asked is no drift: the drift_check is then unknown, and says why.
    """
    drift_check, _ = DriftCheck.objects.get_or_create(workflow=workflow, target=target)
    began = timezone.now()
    if _is_changing(workflow, target, since=began):
        return drift_check  # what is half put up is no drift
    live = records.live(workflow.pk, target)
    if live is None:
        _found(drift_check, DriftState.UNKNOWN, message="Nothing of it is deployed here.")
        drift_check.checked_at = began
        drift_check.save()
        return drift_check
    try:
        _compare(drift_check, live, account_of(target))
    except DeployError as refused:
        _found(drift_check, DriftState.UNKNOWN, message=str(refused))
    if not _is_changing(workflow, target, since=began):
        drift_check.checked_at = began
        drift_check.save()
    return drift_check


def _is_changing(workflow: Workflow, target: Target, *, since: datetime) -> bool:
    """Tell whether a deployment runs, or began since: what was seen meanwhile is neither old nor new."""
    mine = records.of_worker(workflow.pk, target)
    return mine.filter(Q(status=Status.RUNNING.value) | Q(started_at__gte=since)).exists()


def _compare(drift_check: DriftCheck, live: Deployment, account: Account) -> None:
    at = account.live(live.worker_name)
    if at.split:
        row = f"A gradual rollout is going on: {describe_split(at.split)}."
        _found(drift_check, DriftState.DRIFTED, rows=[row])
        return
    if not at.version:
        message = f"The Worker {live.worker_name} is not there any more."
        _found(drift_check, DriftState.GONE, message=message)
        return
    wanted = parse_triggers(_meant(drift_check, live))
    found = triggers.read(
        account, live.worker_name, merged(records.previous_triggers(live), wanted)
    )
    known = records.known_version(live.workflow_public_id, live.target_id)
    rows = [str(one) for one in differences(wanted, found)]
    if at.version != known:
        by = CHANGED_BY.get(at.source, f"by {at.source}" if at.source else "by somebody")
        rows = [f"Version {at.version} is live, put there {by}, not {known}.", *rows]
        rows += _env(live, account, at.version)
    state = DriftState.DRIFTED if rows else DriftState.SAME
    _found(drift_check, state, rows=rows, version=at.version, found=config_of(found))


def _meant(drift_check: DriftCheck, live: Deployment) -> dict[str, Any]:
    """Return what counts as meant: the record's wrangler.json, or what was adopted since."""
    if drift_check.adopted_config and drift_check.was_adopted_after(live.pk):
        return dict(drift_check.adopted_config)
    return dict(records.record_of(live).config)


def _env(live: Deployment, account: Account, version: str) -> list[str]:
    """Return the names of env that differ; of secrets only the names are compared."""
    meant = env_diff.expected_env(records.record_of(live).config, live.secret_names)
    there = env_diff.actual_env(versions.version_bindings(account, live.worker_name, version) or [])
    return [
        f"env.{name}: {there.get(name, 'nothing')} is there, not {meant.get(name, 'nothing')}."
        for name in sorted({*meant, *there})
        if meant.get(name) != there.get(name)
    ]


def _found(
    drift_check: DriftCheck,
    state: DriftState,
    *,
    message: str = "",
    rows: Iterable[str] = (),
    version: str = "",
    found: dict[str, Any] | None = None,
) -> None:
    drift_check.state = state.value
    drift_check.message = message
    drift_check.differences = list(rows)
    drift_check.live_version = version
    drift_check.actual_config = found or {}


def objection(drift_check: DriftCheck) -> str:
    """Say why what was found cannot be taken over, and what to do; "" where it can."""
    live = records.live(drift_check.workflow_id, drift_check.target)
    is_drifted = drift_check.state == DriftState.DRIFTED.value
    if not is_drifted or live is None or drift_check.checked_at is None:
        return NO_DRIFT
    if _is_changing(drift_check.workflow, drift_check.target, since=drift_check.checked_at):
        return _CHANGED_SINCE
    return "" if drift_check.live_version else _SPLIT


def adopt(drift_check: DriftCheck, *, by: Actor = SYSTEM) -> DriftCheck:
    """Take over what was found: it counts as meant until the next deployment replaces it.

    Raises Refused where that is no longer so, or is nothing to take over.
    """
    if refusal := objection(drift_check):
        raise policy.Refused(refusal)
    with transaction.atomic():
        drift_check.adopted_config = drift_check.actual_config
        drift_check.adopted_version = drift_check.live_version
        newest = records.of_worker(drift_check.workflow_id, drift_check.target)[:1].get()
        drift_check.adopted_after = newest.pk
        count = len(drift_check.differences)
        _found(
            drift_check,
            DriftState.SAME,
            version=drift_check.live_version,
            found=drift_check.actual_config,
        )
        drift_check.save()
        subject = Subject("workflow", drift_check.workflow_id, drift_check.workflow.name)
        trail.record("drift adopted", subject, by=by, target=drift_check.target.name, found=count)
    return drift_check


def check_due() -> None:
    """Check what was checked longest ago, where that is long enough: one at a time."""
    hours = settings.AWAITSTEP.drift_hours
    pair = _longest_unchecked(timedelta(hours=hours)) if hours else None
    if pair is None:
        return
    try:
        check(*pair)
    except Exception:
        logger.exception("%s could not be compared with what is live on %s", *pair)
        values = {"state": DriftState.UNKNOWN.value, "checked_at": timezone.now()}
        values["message"] = "It could not be compared. The server's log has the details."
        workflow, target = pair
        DriftCheck.objects.update_or_create(workflow=workflow, target=target, defaults=values)


def _longest_unchecked(enough: timedelta) -> tuple[Workflow, Target] | None:
    """Return what is due first; what is being changed just now is looked at later."""
    now = timezone.now()
    rows = DriftCheck.objects.values_list("workflow", "target", "checked_at")
    seen = {(workflow, target): at or _NEVER for workflow, target, at in rows}
    pairs = [(seen.get((pair[0].pk, pair[1].pk), _NEVER), pair) for pair in live_pairs()]
    for checked_at, pair in sorted(pairs, key=lambda one: one[0]):
        if now - checked_at < enough:
            return None
        if not _is_changing(*pair, since=now):
            return pair
    return None


def live_pairs() -> list[tuple[Workflow, Target]]:
    """Return each workflow and target of which something is live by the record."""
    live = records.not_taken_down().filter(workflow__isnull=False, target__isnull=False)
    pairs = list(live.order_by("workflow", "target").values_list("workflow", "target").distinct())
    workflows = Workflow.objects.only("name").in_bulk({workflow for workflow, _ in pairs})
    targets = Target.objects.in_bulk({target for _, target in pairs})
    return [(workflows[workflow], targets[target]) for workflow, target in pairs]
