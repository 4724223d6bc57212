"""The data of the dashboard, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from deployments.history import records
from deployments.models import Deployment, DriftCheck, DriftState
from deployments.pipeline.stages import UNFINISHED, Status
from deployments.presentation.failing_targets import FailingTarget, failing
from targets.models import Target
from workflows.models import Workflow, WorkflowVersion

RECENT = 20
WORKFLOWS = 50
RUNNING = 30
ATTENTION = 10
_CANDIDATES = 200  # newest deployments of each bad status that may need attention
_TYPICAL_OF = 9  # successful deployments whose median duration is typical
_SUCCESSES = 300

_DIFFERS = (DriftState.DRIFTED.value, DriftState.GONE.value)

SUMMARY = (
    "workflow_id",
    "workflow_public_id",
    "workflow_name",
    "version_number",
    "target_id",
    "target_name",
    "requested_by_name",
    "action",
    "about_id",
    "attempt",
    "cause",
    "waits_until",
    "not_before",
    "cancel_requested_at",
    "cancelled_by",
    "status",
    "stage",
    "message",
    "uploaded",
    "live_before",
    "live_version",
    "worker_url",
    "created_at",
    "started_at",
    "finished_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A queued or running deployment; times in seconds."""

    deployment: Deployment
    elapsed: float
    typical: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A workflow with its live deployment, its drift, and its last deployment."""

    workflow: Workflow
    newest: int | None
    live: Deployment | None
    last: Deployment | None
    drift: DriftCheck | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether there is a newer version than the live one."""
        return bool(self.live and self.newest and self.newest > self.live.version_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """`deploys_without_confirmation`: the Deploy button deploys to the default target directly."""

    running: list[Card]
    attention: list[Deployment]
    drift_checks: list[DriftCheck]
    targets: list[FailingTarget]
    has_more_attention: bool
    workflows: list[Row]
    has_more_workflows: bool
    recent: list[Deployment]
    has_target: bool
    deploys_without_confirmation: bool

    @property
    def is_all_clear(self) -> bool:
        return self.has_target and not (self.attention or self.drift_checks or self.targets)


def summaries() -> QuerySet[Deployment]:
    """Return deployments without large columns: documents, code, configuration."""
    return Deployment.objects.only(*SUMMARY)


def load() -> Dashboard:
    """Query what the dashboard shows; long lists are cut and marked as having more."""
    drift_checks = _drift_checks()
    rows = _workflows(drift_checks)
    attention = _attention()
    targets = _targets()
    default = next((target for target in targets if target.is_default), None)
    return Dashboard(
        running=_running(),
        attention=attention[:ATTENTION],
        has_more_attention=len(attention) > ATTENTION,
        drift_checks=drift_checks[:ATTENTION],
        targets=failing(targets)[:ATTENTION],
        workflows=rows[:WORKFLOWS],
        has_more_workflows=len(rows) > WORKFLOWS,
        recent=list(summaries().order_by("-pk")[:RECENT]),
        has_target=settings.AWAITSTEP.offers_local_cloudflare or default is not None,
        deploys_without_confirmation=default is None
        or not (default.protected or default.is_frozen),
    )


def elapsed(deployment: Deployment) -> float:
    """Return the seconds since the start, or since the request while it is queued."""
    since = deployment.started_at or deployment.created_at
    return max((timezone.now() - since).total_seconds(), 0)


def typical_seconds(workflow_ids: Iterable[str]) -> dict[str, float]:
    """Return the typical duration of each workflow that has been deployed before."""
    ends = Deployment.objects.filter(
        workflow_public_id__in=set(workflow_ids),
        status=Status.SUCCEEDED.value,
        started_at__isnull=False,
        finished_at__isnull=False,
    ).order_by("-pk")
    fields = ("workflow_public_id", "started_at", "finished_at")
    return _medians(ends.values_list(*fields)[:_SUCCESSES])


def _medians(ends: Iterable[tuple[str, datetime | None, datetime | None]]) -> dict[str, float]:
    seconds: dict[str, list[float]] = {}
    for workflow_id, started_at, finished_at in ends:
        if started_at and finished_at:
            seconds.setdefault(workflow_id, []).append((finished_at - started_at).total_seconds())
    return {key: median(times[:_TYPICAL_OF]) for key, times in seconds.items()}


def _running() -> list[Card]:
    running = list(summaries().filter(status__in=UNFINISHED).order_by("pk")[:RUNNING])
    typical = typical_seconds(item.workflow_public_id for item in running) if running else {}
    return [
        Card(deployment=item, elapsed=elapsed(item), typical=typical.get(item.workflow_public_id))
        for item in running
    ]


def _attention() -> list[Deployment]:
    """Return unsuccessful deployments that no newer deployment has followed."""
    newer = records.at_target(OuterRef("target_id")).filter(
        pk__gt=OuterRef("pk"), workflow_public_id=OuterRef("workflow_public_id")
    )
    unresolved = Deployment.objects.only(*SUMMARY, "problems", "parts").filter(
        ~Exists(newer), pk__in=_newest_bad()
    )
    return list(unresolved.order_by("-pk")[: ATTENTION + 1])


def _newest_bad() -> list[int]:
    """Return ids per status, using the index, so that years of old failures are not searched."""
    bad = (Status.FAILED.value, Status.PARTIAL.value, Status.INTERRUPTED.value)
    ids = [
        Deployment.objects.filter(status=status, workflow__isnull=False)
        .order_by("-pk")
        .values_list("pk", flat=True)[:_CANDIDATES]
        for status in bad
    ]
    return list(chain.from_iterable(ids))


def _workflows(drift_checks: Iterable[DriftCheck]) -> list[Row]:
    latest = Deployment.objects.filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
    live = records.not_taken_down().filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
    versions = WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")
    workflows = (
        Workflow.objects.filter(archived_at=None)
        .only("name", "updated_at")
        .annotate(
            newest=Subquery(versions.values("number")[:1]),
            last_id=Subquery(latest.values("pk")[:1]),
            live_id=Subquery(live.values("pk")[:1]),
        )
    )
    rows = list(workflows.order_by(Coalesce("last_id", 0).desc(), "name")[: WORKFLOWS + 1])
    ids = {pk for workflow in rows for pk in (workflow.last_id, workflow.live_id) if pk}
    deployments = summaries().in_bulk(ids)
    drifts = {(check.workflow_id, check.target_id): check for check in drift_checks}
    return [
        _row(
            workflow,
            live=deployments.get(workflow.live_id),
            last=deployments.get(workflow.last_id),
            drifts=drifts,
        )
        for workflow in rows
    ]


def _row(
    workflow: Any,
    *,
    live: Deployment | None,
    last: Deployment | None,
    drifts: Mapping[tuple[str, int], DriftCheck],
) -> Row:
    drift = drifts.get((workflow.pk, live.target_id)) if live and live.target_id else None
    return Row(workflow=workflow, newest=workflow.newest, live=live, last=last, drift=drift)


def _drift_checks() -> list[DriftCheck]:
    """Return the checks that found drift, if nothing has been deployed since."""
    changes = records.at_target(OuterRef("target_id")).filter(
        records.changed_what_is_live(), workflow_public_id=OuterRef("workflow_id")
    )
    checks = DriftCheck.objects.filter(state__in=_DIFFERS).select_related("workflow", "target")
    checks = checks.annotate(changed_at=Subquery(changes.order_by("-pk").values("finished_at")[:1]))
    checks = checks.only(
        "state", "message", "differences", "checked_at", "workflow__name", "target__name"
    ).order_by("-checked_at")
    return [check for check in checks[:_CANDIDATES] if _is_current(check)]


def _is_current(drift_check: Any) -> bool:
    """Return whether the check is newer than our last change to the Worker."""
    changed_at, checked_at = drift_check.changed_at, drift_check.checked_at
    return changed_at is None or checked_at is None or changed_at <= checked_at


def _targets() -> list[Target]:
    return list(
        Target.objects.only(
            "name",
            "embedded",
            "is_default",
            "protected",
            "frozen_from",
            "frozen_until",
            "checks",
            "checked_at",
        )
    )
