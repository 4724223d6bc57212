"""What the dashboard shows, in a number of queries that does not grow with what there is."""

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
_CANDIDATES = 200  # the newest of each bad status that may need attention
_TYPICAL_OF = 9  # the last successful deployments whose median is the usual time
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
    """A deployment that waits or runs, with the usual time of its workflow in seconds."""

    deployment: Deployment
    elapsed: float
    usual: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A workflow with what is live of it, how that stands, and what was tried last."""

    workflow: Workflow
    newest: int | None
    live: Deployment | None
    last: Deployment | None
    drift: DriftCheck | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether a version was saved after the live one."""
        return bool(self.live and self.newest and self.newest > self.live.version_number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """`deploys_without_confirmation` tells whether a Deploy button needs no more than being pressed."""

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
    """Deployments without the large columns: documents, code, configuration."""
    return Deployment.objects.only(*SUMMARY)


def load() -> Dashboard:
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
    """Seconds since the deployment began, or since it was asked for while it waits."""
    since = deployment.started_at or deployment.created_at
    return max((timezone.now() - since).total_seconds(), 0)


def typical_seconds(workflow_ids: Iterable[str]) -> dict[str, float]:
    """Return the usual time in seconds of each workflow that has been deployed before."""
    ends = Deployment.objects.filter(
        workflow_public_id__in=set(workflow_ids),
        status=Status.SUCCEEDED.value,
        started_at__isnull=False,
        finished_at__isnull=False,
    ).order_by("-pk")
    fields = ("workflow_public_id", "started_at", "finished_at")
    return _medians(ends.values_list(*fields)[:_SUCCESSES])


def _medians(ends: Iterable[tuple[str, datetime | None, datetime | None]]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for workflow_id, started_at, finished_at in ends:
        if started_at and finished_at:
            found.setdefault(workflow_id, []).append((finished_at - started_at).total_seconds())
    return {key: median(times[:_TYPICAL_OF]) for key, times in found.items()}


def _running() -> list[Card]:
    found = list(summaries().filter(status__in=UNFINISHED).order_by("pk")[:RUNNING])
    usual = typical_seconds(item.workflow_public_id for item in found) if found else {}
    return [
        Card(deployment=item, elapsed=elapsed(item), usual=usual.get(item.workflow_public_id))
        for item in found
    ]


def _attention() -> list[Deployment]:
    """Deployments that ended badly and have no newer one: nobody has answered them yet."""
    newer = records.at_target(OuterRef("target_id")).filter(
        pk__gt=OuterRef("pk"), workflow_public_id=OuterRef("workflow_public_id")
    )
    found = Deployment.objects.only(*SUMMARY, "problems", "parts").filter(
        ~Exists(newer), pk__in=_newest_bad()
    )
    return list(found.order_by("-pk")[: ATTENTION + 1])


def _newest_bad() -> list[int]:
    """Ids from the index of each status: years of answered failures are not looked through."""
    bad = (Status.FAILED.value, Status.PARTIAL.value, Status.INTERRUPTED.value)
    found = [
        Deployment.objects.filter(status=status, workflow__isnull=False)
        .order_by("-pk")
        .values_list("pk", flat=True)[:_CANDIDATES]
        for status in bad
    ]
    return list(chain.from_iterable(found))


def _workflows(drift_checks: Iterable[DriftCheck]) -> list[Row]:
    mine = Deployment.objects.filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
    live = records.not_taken_down().filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
    versions = WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")
    workflows = Workflow.objects.only("name", "updated_at").annotate(
        newest=Subquery(versions.values("number")[:1]),
        last_id=Subquery(mine.values("pk")[:1]),
        live_id=Subquery(live.values("pk")[:1]),
    )
    found = list(workflows.order_by(Coalesce("last_id", 0).desc(), "name")[: WORKFLOWS + 1])
    ids = {pk for workflow in found for pk in (workflow.last_id, workflow.live_id) if pk}
    known = summaries().in_bulk(ids)
    drifts = {(one.workflow_id, one.target_id): one for one in drift_checks}
    return [
        _row(
            workflow,
            live=known.get(workflow.live_id),
            last=known.get(workflow.last_id),
            drifts=drifts,
        )
        for workflow in found
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
    """What was found to differ from the record, where nothing has been deployed since."""
    changes = records.at_target(OuterRef("target_id")).filter(
        records.changed_what_is_live(), workflow_public_id=OuterRef("workflow_id")
    )
    found = DriftCheck.objects.filter(state__in=_DIFFERS).select_related("workflow", "target")
    found = found.annotate(changed_at=Subquery(changes.order_by("-pk").values("finished_at")[:1]))
    found = found.only(
        "state", "message", "differences", "checked_at", "workflow__name", "target__name"
    ).order_by("-checked_at")
    return [one for one in found[:_CANDIDATES] if _is_of_now(one)]


def _is_of_now(drift_check: Any) -> bool:
    """Whether it was checked after what is live was last changed by us."""
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
