"""What the index says of many runs at once: few queries, however many runs there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from itertools import pairwise
from typing import Any, Final

from django.db.models import Avg, Case, Count, F, IntegerField, Max, Q, QuerySet, Sum, Value, When

from runs.models import Run, RunStep
from runs.overview import figures
from runs.overview.figures import Figures

SAMPLE: Final = 10_000  # runs whose times are read, about
STEP_RUNS: Final = 1_000  # runs whose steps are looked at, at most
STEPS: Final = 10_000
SHOWN: Final = 8


def runs_of(workflow: str) -> QuerySet[Run]:
    """Return the runs of a workflow, of all of them for ""; in no order."""
    found = Run.objects.order_by()
    return found.filter(workflow=workflow) if workflow else found


def parts(workflow: str, lines: Sequence[datetime]) -> tuple[list[Figures], int]:
    """Return the figures between each two edges, and from every how manyth run the times are."""
    mine = runs_of(workflow)
    counts = {
        (int(part), str(status)): int(number)
        for part, status, number in _union(
            _between(mine, since, until)
            .annotate(part=Value(at))
            .values_list("part", "status")
            .annotate(number=Count("pk"))
            for at, (since, until) in enumerate(pairwise(lines))
        )
    }
    every = sum(counts.values()) // SAMPLE + 1
    return figures.figures(lines, counts, _seconds(mine, lines, every=every)), every


def _between(mine: QuerySet[Run], since: datetime, until: datetime) -> QuerySet[Run]:
    return mine.filter(created_at__gte=since, created_at__lt=until)


def _union(queries: Iterator[Any]) -> Any:
    first, *others = queries
    return first.union(*others, all=True)


def _seconds(
    mine: QuerySet[Run], lines: Sequence[datetime], *, every: int
) -> dict[int, list[float]]:
    """Return how long the runs of each part took, of every so manyth run."""
    found: dict[int, list[float]] = {}
    ended = _between(mine, lines[0], lines[-1]).filter(seconds__isnull=False)
    sampled = ended.annotate(rest=F("pk") % every).filter(rest=0)
    for part, seconds in sampled.annotate(part=_part(lines)).values_list("part", "seconds"):
        found.setdefault(part, []).append(seconds or 0.0)
    return found


def _part(lines: Sequence[datetime]) -> Case:
    """The number of the part that a run began in; the newest parts are tried first."""
    newest_first = list(enumerate(lines[:-1]))[::-1]
    whens = [When(created_at__gte=since, then=Value(at)) for at, since in newest_first]
    return Case(*whens, default=Value(0), output_field=IntegerField())


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step by its name, over the runs that were looked at."""

    name: str
    workflow: str
    workflow_name: str
    runs: int
    usual: float
    longest: float
    retries: int
    retried_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps that take longest and that are tried again most, of the newest runs that ended."""

    slowest: tuple[Step, ...] = ()
    most_retried: tuple[Step, ...] = ()
    runs: int = 0
    since: datetime | None = None


def steps(workflow: str, since: datetime, until: datetime) -> Steps:
    """Look at the newest runs, as many as have STEPS steps together."""
    ids, oldest = _newest(_between(runs_of(workflow), since, until))
    found = [_step(row) for row in _grouped(ids)]
    retried = (one for one in found if one.retries)
    return Steps(
        slowest=tuple(nlargest(SHOWN, found, key=lambda one: one.usual)),
        most_retried=tuple(nlargest(SHOWN, retried, key=lambda one: one.retries)),
        runs=len(ids),
        since=oldest,
    )


def _newest(mine: QuerySet[Run]) -> tuple[list[int], datetime | None]:
    ended = mine.filter(step_count__gt=0, is_open=False).order_by("-created_at", "-pk")
    ids: list[int] = []
    oldest, seen = None, 0
    for pk, count, created_at in ended.values_list("pk", "step_count", "created_at")[:STEP_RUNS]:
        seen += count or 0
        if ids and seen > STEPS:
            break
        ids.append(pk)
        oldest = created_at
    return ids, oldest


def _grouped(ids: list[int]) -> Iterable[Any]:
    """Sleeps and waits are as long as they are meant to be: they are left out."""
    mine = RunStep.objects.filter(run__in=ids, kind="step", seconds__isnull=False)
    return mine.values("name", "run__workflow", "run__workflow_name").annotate(
        runs=Count("pk"),
        usual=Avg("seconds"),
        longest=Max("seconds"),
        tries=Sum("attempts", filter=Q(attempts__gt=1)),
        retried_runs=Count("pk", filter=Q(attempts__gt=1)),
    )


def _step(row: dict[str, Any]) -> Step:
    return Step(
        name=row["name"],
        workflow=row["run__workflow"] or "",
        workflow_name=row["run__workflow_name"],
        runs=row["runs"],
        usual=row["usual"],
        longest=row["longest"],
        retries=(row["tries"] or 0) - row["retried_runs"],
        retried_runs=row["retried_runs"],
    )
