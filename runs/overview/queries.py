"""Queries for the overview; the number of queries does not depend on the number of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import pairwise
from statistics import median
from typing import Any, Final

from django.db.models import Case, Count, F, IntegerField, QuerySet, Value, When

from runs.models import Run, RunStep
from runs.overview import figures
from runs.overview.figures import Figures
from runs.steps.step_nodes import plain_name

SAMPLE: Final = 10_000  # runs whose durations are read, approximately
MAX_STEP_RUNS: Final = 1_000  # runs whose steps are read
MAX_STEPS: Final = 10_000
TOP_STEPS: Final = 8


def runs_of(workflow: str) -> QuerySet[Run]:
    """Return the runs of a workflow, or all runs for "", unordered."""
    runs = Run.objects.order_by()
    return runs.filter(workflow=workflow) if workflow else runs


def figures_per_part(workflow: str, bounds: Sequence[datetime]) -> tuple[list[Figures], int]:
    """Return the figures between each pair of bounds, and n if one run in n was sampled."""
    runs = runs_of(workflow)
    counts = {
        (int(part), str(status)): int(number)
        for part, status, number in _union(
            _between(runs, since, until)
            .annotate(part=Value(at))
            .values_list("part", "status")
            .annotate(number=Count("pk"))
            for at, (since, until) in enumerate(pairwise(bounds))
        )
    }
    every = sum(counts.values()) // SAMPLE + 1
    return figures.figures_per_part(bounds, counts, _seconds(runs, bounds, every=every)), every


def _between(runs: QuerySet[Run], since: datetime, until: datetime) -> QuerySet[Run]:
    return runs.filter(created_at__gte=since, created_at__lt=until)


def _union(queries: Iterator[Any]) -> Any:
    first, *others = queries
    return first.union(*others, all=True)


def _seconds(
    runs: QuerySet[Run], bounds: Sequence[datetime], *, every: int
) -> dict[int, list[float]]:
    """Return the durations of one run in `every`, by part."""
    seconds_of: dict[int, list[float]] = {}
    ended = _between(runs, bounds[0], bounds[-1]).filter(seconds__isnull=False)
    sampled = ended.annotate(rest=F("pk") % every).filter(rest=0)
    for part, seconds in sampled.annotate(part=_part(bounds)).values_list("part", "seconds"):
        seconds_of.setdefault(part, []).append(seconds or 0.0)
    return seconds_of


def _part(bounds: Sequence[datetime]) -> Case:
    """The number of the part in which a run started; the newest parts are tried first."""
    newest_first = list(enumerate(bounds[:-1]))[::-1]
    whens = [When(created_at__gte=since, then=Value(at)) for at, since in newest_first]
    return Case(*whens, default=Value(0), output_field=IntegerField())


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFigures:
    """The figures of a node's steps over the runs that were read; `usual` is the median."""

    name: str
    workflow: str
    workflow_name: str
    runs: int
    usual: float
    longest: float
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatistics:
    """The slowest and the most retried nodes of the newest ended runs."""

    slowest: tuple[StepFigures, ...] = ()
    most_retried: tuple[StepFigures, ...] = ()
    runs: int = 0
    since: datetime | None = None


def step_statistics(workflow: str, since: datetime, until: datetime) -> StepStatistics:
    """Return the figures of the nodes of the newest runs, up to MAX_STEPS steps."""
    ids, oldest = _newest(_between(runs_of(workflow), since, until))
    steps = [_node(rows) for rows in _grouped(ids)]
    retried = (step for step in steps if step.retries)
    return StepStatistics(
        slowest=tuple(nlargest(TOP_STEPS, steps, key=lambda step: step.usual)),
        most_retried=tuple(nlargest(TOP_STEPS, retried, key=lambda step: step.retries)),
        runs=len(ids),
        since=oldest,
    )


def _newest(runs: QuerySet[Run]) -> tuple[list[int], datetime | None]:
    ended = runs.filter(step_count__gt=0, is_open=False).order_by("-created_at", "-pk")
    ids: list[int] = []
    oldest, seen = None, 0
    for pk, count, created_at in ended.values_list("pk", "step_count", "created_at")[
        :MAX_STEP_RUNS
    ]:
        seen += count or 0
        if ids and seen > MAX_STEPS:
            break
        ids.append(pk)
        oldest = created_at
    return ids, oldest


_StepRow = dict[str, Any]


def _grouped(ids: list[int]) -> Iterable[list[_StepRow]]:
    """Group the steps by node; sleeps and waits are left out, since their length is intended.

    Nodes may have been renamed, so the id counts. Steps of unknown nodes are grouped by name.
    """
    steps = RunStep.objects.filter(run__in=ids, kind="step", seconds__isnull=False)
    groups: dict[tuple[str, bool, str], list[_StepRow]] = {}
    for row in steps.order_by("run", "pk").values(*_COLUMNS):
        row["label"] = row["label"] or plain_name(row["name"])
        is_known, node = bool(row["node_id"]), row["node_id"] or row["label"]
        groups.setdefault((row["run__workflow_name"], is_known, node), []).append(row)
    return groups.values()


_COLUMNS: Final = (
    "run",
    "name",
    "node_id",
    "label",
    "seconds",
    "attempts",
    "run__workflow",
    "run__workflow_name",
    "run__workflow__name",
    "run__deployment__workflow_name",
)


def _node(rows: Sequence[_StepRow]) -> StepFigures:
    newest = rows[-1]
    seconds = [row["seconds"] for row in rows]
    return StepFigures(
        name=newest["label"],
        workflow=newest["run__workflow"] or "",
        workflow_name=newest["run__workflow__name"]
        or newest["run__deployment__workflow_name"]
        or newest["run__workflow_name"],
        runs=len({row["run"] for row in rows}),
        usual=median(seconds),
        longest=max(seconds),
        retries=sum(max(row["attempts"] - 1, 0) for row in rows),
    )
