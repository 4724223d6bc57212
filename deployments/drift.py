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
from audit.trail import NOBODY, Actor, Subject
from deployments import policy, records
from deployments.cloudflare import env_diff
from deployments.cloudflare.parts import config_of, differences, triggers_of
from deployments.errors import DeployError
from deployments.models import Deployment, DriftState, Standing, Target
from deployments.preflight import CHANGED_BY, shares
from deployments.settling import joined
from deployments.stages import Status
from deployments.targets import account_of
from deployments.tools import triggers, versions
from deployments.tools.account import Account
from workflows.models import Workflow

logger = logging.getLogger(__name__)

NO_DRIFT: Final = "There is no drift here to adopt: check again first."
_CHANGED_SINCE: Final = "A deployment has begun since this was looked at, so it may be another by now: check again first."
_SPLIT: Final = (
    "A gradual rollout cannot be adopted, because no version takes all requests. Finish it at the "
    "target, so that one version has 100 %, check again and adopt that; or overwrite it by a deploy."
)
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


def check(workflow: Workflow, target: Target) -> Standing:
    """Compare what is live with the record and write down what was found.

    A target that cannot be asked is no drift: the standing is then unknown, and says why.
    """
    standing, _ = Standing.objects.get_or_create(workflow=workflow, target=target)
    began = timezone.now()
    if _is_changing(workflow, target, since=began):
        return standing  # what is half put up is no drift
    live = records.live(workflow.pk, target)
    if live is None:
        _found(standing, DriftState.UNKNOWN, message="Nothing of it is deployed here.")
        standing.checked_at = began
        standing.save()
        return standing
    try:
        _compare(standing, live, account_of(target))
    except DeployError as refused:
        _found(standing, DriftState.UNKNOWN, message=str(refused))
    if not _is_changing(workflow, target, since=began):
        standing.checked_at = began
        standing.save()
    return standing


def _is_changing(workflow: Workflow, target: Target, *, since: datetime) -> bool:
    """Tell whether a deployment runs, or began since: what was seen meanwhile is neither old nor new."""
    mine = records.of_worker(workflow.pk, target)
    return mine.filter(Q(status=Status.RUNNING.value) | Q(started_at__gte=since)).exists()


def _compare(standing: Standing, live: Deployment, account: Account) -> None:
    at = account.live(live.worker_name)
    if at.split:
        row = f"A gradual rollout is going on: {shares(at.split)}."
        _found(standing, DriftState.DRIFTED, rows=[row])
        return
    if not at.version:
        message = f"The Worker {live.worker_name} is not there any more."
        _found(standing, DriftState.GONE, message=message)
        return
    wanted = triggers_of(_meant(standing, live))
    found = triggers.found(account, live.worker_name, joined(records.former_triggers(live), wanted))
    known = records.known_version(live.workflow_public_id, live.target_id)
    rows = [str(one) for one in differences(wanted, found)]
    if at.version != known:
        by = CHANGED_BY.get(at.source, f"by {at.source}" if at.source else "by somebody")
        rows = [f"Version {at.version} is live, put there {by}, not {known}.", *rows]
        rows += _env(live, account, at.version)
    state = DriftState.DRIFTED if rows else DriftState.SAME
    _found(standing, state, rows=rows, version=at.version, found=config_of(found))


def _meant(standing: Standing, live: Deployment) -> dict[str, Any]:
    """Return what counts as meant: the record's wrangler.json, or what was adopted since."""
    if standing.adopted and standing.was_adopted_after(live.pk):
        return dict(standing.adopted)
    return dict(records.record_of(live).config)


def _env(live: Deployment, account: Account, version: str) -> list[str]:
    """Return the names of env that differ; of secrets only the names are compared."""
    meant = env_diff.meant(records.record_of(live).config, live.secret_names)
    there = env_diff.there(versions.bindings_of(account, live.worker_name, version) or [])
    return [
        f"env.{name}: {there.get(name, 'nothing')} is there, not {meant.get(name, 'nothing')}."
        for name in sorted({*meant, *there})
        if meant.get(name) != there.get(name)
    ]


def _found(
    standing: Standing,
    state: DriftState,
    *,
    message: str = "",
    rows: Iterable[str] = (),
    version: str = "",
    found: dict[str, Any] | None = None,
) -> None:
    standing.state = state.value
    standing.message = message
    standing.differences = list(rows)
    standing.live_version = version
    standing.found = found or {}


def objection(standing: Standing) -> str:
    """Say why what was found cannot be taken over, and what to do; "" where it can."""
    live = records.live(standing.workflow_id, standing.target)
    is_drifted = standing.state == DriftState.DRIFTED.value
    if not is_drifted or live is None or standing.checked_at is None:
        return NO_DRIFT
    if _is_changing(standing.workflow, standing.target, since=standing.checked_at):
        return _CHANGED_SINCE
    return "" if standing.live_version else _SPLIT


def adopt(standing: Standing, *, by: Actor = NOBODY) -> Standing:
    """Take over what was found: it counts as meant until the next deployment replaces it.

    Raises Refused where that is no longer so, or is nothing to take over.
    """
    if refusal := objection(standing):
        raise policy.Refused(refusal)
    with transaction.atomic():
        standing.adopted = standing.found
        standing.adopted_version = standing.live_version
        newest = records.of_worker(standing.workflow_id, standing.target)[:1].get()
        standing.adopted_after = newest.pk
        count = len(standing.differences)
        _found(standing, DriftState.SAME, version=standing.live_version, found=standing.found)
        standing.save()
        subject = Subject("workflow", standing.workflow_id, standing.workflow.name)
        trail.record("drift adopted", subject, by=by, target=standing.target.name, found=count)
    return standing


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
        Standing.objects.update_or_create(workflow=workflow, target=target, defaults=values)


def _longest_unchecked(enough: timedelta) -> tuple[Workflow, Target] | None:
    """Return what is due first; what is being changed just now is looked at later."""
    now = timezone.now()
    rows = Standing.objects.values_list("workflow", "target", "checked_at")
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
