"""What the dashboard says of runs: the last day of each workflow, and who waits for a person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import Count, Q, Value
from django.utils import timezone

from runs.models import Run
from runs.permissions import VIEW
from web.decorators import HttpRequest

_PARTS: Final = 8
_PART: Final = timedelta(hours=24) / _PARTS
_WIDTH, _GAP, _HEIGHT = 10, 2, 20  # pixels of a bar
_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Three hours of runs, in pixels from the top; `errors` stand on the floor, the others on them."""

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
class Day:
    """The runs that a workflow began in the last 24 hours."""

    total: int
    errors: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How many runs wait for an event, and the first of them."""

    total: int
    first: tuple[Run, ...]


def days(workflows: Iterable[str]) -> dict[str, Day]:
    """Return the last day of each workflow that has begun a run in it, in one query."""
    now, mine = timezone.now(), list(workflows)
    begun = Run.objects.filter(workflow__in=mine).order_by()
    first, *others = (
        begun.filter(created_at__gt=now - _PART * (at + 1), created_at__lte=now - _PART * at)
        .annotate(part=Value(_PARTS - 1 - at))
        .values_list("workflow", "part")
        .annotate(number=Count("pk"), errors=Count("pk", filter=Q(status="errored")))
        for at in range(_PARTS)
    )
    found: dict[str, dict[int, tuple[int, int]]] = {}
    for workflow, part, number, errors in first.union(*others, all=True):
        found.setdefault(str(workflow), {})[int(part)] = (int(number), int(errors))
    return {workflow: _day(parts) for workflow, parts in found.items()}


def _day(parts: Mapping[int, tuple[int, int]]) -> Day:
    most = max(number for number, _ in parts.values())
    bars = (
        Bar(
            x=part * (_WIDTH + _GAP),
            height=max(_HEIGHT * number // most, 1),
            errors=max(_HEIGHT * errors // most, 1 if errors else 0),
        )
        for part, (number, errors) in sorted(parts.items())
    )
    return Day(
        total=sum(number for number, _ in parts.values()),
        errors=sum(errors for _, errors in parts.values()),
        bars=tuple(bars),
    )


def waits() -> Waits:
    """Return the runs that wait for an event, what times out first at the head."""
    known = Run.objects.filter(is_open=True).exclude(waits_for="")
    total = known.count()
    first = known.select_related("workflow").only(
        "workflow__name", "workflow_name", "instance_id", "waits_for", "due_at"
    )
    return Waits(total=total, first=tuple(first.order_by("due_at", "pk")[:_NAMED]) if total else ())


def dashboard_context(request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the dashboard shows of runs to a user who may view them."""
    if not request.user.has_perm(VIEW):
        return {}
    rows, waiting = context["board"].workflows, waits()
    return {
        "attention_items": ["runs/dashboard/_waiting_runs.html"] if waiting.total else [],
        "waits": waiting,
        "workflow_column": {
            "title": "Runs (24 h)",
            "template": "runs/dashboard/_workflow_runs.html",
        },
        "days": days(row.workflow.pk for row in rows),
    }
