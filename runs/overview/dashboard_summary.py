"""The runs on the dashboard: the last day of each workflow, and runs that wait for an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Q, Value
from django.utils import timezone

from runs.index.lag import index_lag
from runs.models import Run
from runs.permissions import MAY_ACT, VIEW
from runs.services import failed_runs
from web.decorators import HttpRequest

_PARTS: Final = 8
_PART: Final = timedelta(hours=24) / _PARTS
_WIDTH, _GAP, _HEIGHT = 10, 2, 20  # pixels
_MAX_NAMED: Final = 3
_MAX_FAILED: Final = 8
_RECENT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The runs of three hours, in pixels; `errors` is the part of `height` at the bottom."""

    x: int
    height: int
    errors: int

    @property
    def y(self) -> int:
        return _HEIGHT - self.height

    @property
    def errors_y(self) -> int:
        return _HEIGHT - self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySummary:
    """The runs of a workflow that started in the last 24 hours."""

    total: int
    errors: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingSummary:
    """The number of runs that wait for an event, and the first of them."""

    total: int
    first: tuple[Run, ...]


def day_summaries(workflows: Iterable[str]) -> dict[str, DaySummary]:
    """Return a summary of the last 24 hours for each workflow that had runs, using one query."""
    now = timezone.now()
    runs = Run.objects.filter(workflow__in=list(workflows)).order_by()
    first, *others = (
        runs.filter(created_at__gt=now - _PART * (at + 1), created_at__lte=now - _PART * at)
        .annotate(part=Value(_PARTS - 1 - at))
        .values_list("workflow", "part")
        .annotate(number=Count("pk"), errors=Count("pk", filter=Q(status="errored")))
        for at in range(_PARTS)
    )
    counts: dict[str, dict[int, tuple[int, int]]] = {}
    for workflow, part, number, errors in first.union(*others, all=True):
        counts.setdefault(str(workflow), {})[int(part)] = (int(number), int(errors))
    return {workflow: _day(parts) for workflow, parts in counts.items()}


def _day(parts: Mapping[int, tuple[int, int]]) -> DaySummary:
    highest = max(number for number, _ in parts.values())
    bars = (
        Bar(
            x=part * (_WIDTH + _GAP),
            height=max(_HEIGHT * number // highest, 1),
            errors=max(_HEIGHT * errors // highest, 1 if errors else 0),
        )
        for part, (number, errors) in sorted(parts.items())
    )
    return DaySummary(
        total=sum(number for number, _ in parts.values()),
        errors=sum(errors for _, errors in parts.values()),
        bars=tuple(bars),
    )


def waiting_summary() -> WaitingSummary:
    """Return the runs that wait for an event, those that time out first at the top."""
    waiting = Run.objects.filter(is_open=True).exclude(waits_for="")
    total = waiting.count()
    first = waiting.select_related("workflow").only(
        "workflow__name", "workflow_name", "instance_id", "waits_for", "due_at"
    )
    return WaitingSummary(
        total=total, first=tuple(first.order_by("due_at", "pk")[:_MAX_NAMED]) if total else ()
    )


def _recent() -> list[Run]:
    """Return the runs that started last, on any target."""
    runs = Run.objects.select_related("workflow", "target").order_by("-created_at", "-pk")
    large = ("ir", "files", "entry_code", "dependencies", "deploy_settings")
    return list(runs.defer("target__api_token", *(f"workflow__{name}" for name in large))[:_RECENT])


def dashboard_context(request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dashboard's context about runs; empty for users who may not view them."""
    if not request.user.has_perm(VIEW):
        return {}
    lag = index_lag()
    rows, waiting = context["board"].workflows, waiting_summary()
    failed = failed_runs.groups(_MAX_FAILED)
    items = ["runs/dashboard/_index_lag.html"] if lag else []
    items += ["runs/dashboard/_failed_runs.html"] if failed else []
    items += ["runs/dashboard/_waiting_runs.html"] if waiting.total else []
    return {
        "attention_items": items,
        "more_sections": ["runs/dashboard/_recent_runs.html"],
        "recent_runs": _recent(),
        "lag": lag,
        "failed_runs": failed[:_MAX_FAILED],
        "has_more_failed_runs": len(failed) > _MAX_FAILED,
        "may_act_on_runs": any(map(request.user.has_perm, MAY_ACT)),
        "waits": waiting,
        "workflow_column": {
            "title": "Runs (24 h)",
            "template": "runs/dashboard/_workflow_runs.html",
        },
        "days": day_summaries(row.workflow.pk for row in rows),
    }
