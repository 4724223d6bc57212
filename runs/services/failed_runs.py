"""Failed runs that nobody who can act has looked at yet: grouped, and marked as seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, Count, F, Max, QuerySet, Value, When
from django.db.models.functions import Left, StrIndex
from django.utils import timezone

from audit import trail
from audit.trail import Actor, Subject
from runs.index.listing import MAX_FILTER, Filters
from runs.models import Run

FAILED: Final = "errored"
MAX_GROUPED: Final = 1_000  # newest failed runs
_REFERENCE: Final = "; reference = "  # what follows names one occurrence of an internal error
_CAUSE: Final = Case(
    When(error__contains=_REFERENCE, then=Left("error", StrIndex("error", Value(_REFERENCE)) - 1)),
    default=F("error"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedGroup:
    """Unseen runs of one Worker on one target that failed with the same error.

    There may be `more` than `count`, because only the newest MAX_GROUPED failed runs are grouped.
    """

    newest: Run
    count: int
    last_at: Any
    more: bool = False

    @property
    def number(self) -> str:
        """The count as text, with a plus if there may be more."""
        return f"{self.count:,}{'+' if self.more else ''}"

    @property
    def query(self) -> str:
        """The query string of the list of these runs."""
        run = self.newest
        return Filters(
            workflow=run.workflow_id or "",
            name=run.project_workflow,
            target=run.target.name,
            status=FAILED,
            error=cause_of(run)[:MAX_FILTER],
            unseen="1",
        ).query()


def cause_of(run: Run) -> str:
    """Return the run's error without what differs between runs that fail for the same reason."""
    return run.error.partition(_REFERENCE)[0]


def unseen() -> QuerySet[Run]:
    """Return the failed runs that nobody has looked at, unordered."""
    return Run.objects.filter(status=FAILED, viewed_at=None, gone_at=None).order_by()


def groups(most: int) -> list[FailedGroup]:
    """Return the groups that failed last, and one more than `most` if there are more."""
    newest = unseen().order_by("-created_at", "-pk").values("pk")
    more = newest[MAX_GROUPED:].exists()
    grouped = Run.objects.filter(pk__in=newest[:MAX_GROUPED]).order_by()
    rows = grouped.annotate(cause=_CAUSE).values("target", "workflow_name", "cause")
    rows = rows.annotate(count=Count("pk"), newest=Max("pk"), last_at=Max("ended_at"))
    found = list(rows.order_by("-last_at", "-newest")[: most + 1])
    runs = _named(row["newest"] for row in found)
    return [
        FailedGroup(
            newest=runs[row["newest"]], count=row["count"], last_at=row["last_at"], more=more
        )
        for row in found
    ]


def _named(ids: Iterable[int]) -> dict[int, Run]:
    runs = Run.objects.select_related("workflow", "target")
    names = ("workflow__name", "target__name", "workflow_name", "error", "instance_id")
    return runs.only(*names).in_bulk(list(ids))


def mark_viewed(run: Run) -> None:
    """Record that someone who can act has looked at the failed run."""
    if run.status == FAILED and run.viewed_at is None:
        run.viewed_at = timezone.now()
        Run.objects.filter(pk=run.pk).update(viewed_at=run.viewed_at)


def mark_group_seen(newest: Run, *, by: Actor) -> int:
    """Mark the run, and the older ones with the same error, as seen; return their number."""
    same = unseen().filter(
        pk__lte=newest.pk,
        target=newest.target_id,
        workflow_name=newest.workflow_name,
    )
    same = same.annotate(cause=_CAUSE).filter(cause=cause_of(newest))
    count = same.update(viewed_at=timezone.now())
    if count:
        subject = Subject("run", newest.instance_id[:64], str(newest))
        trail.record("failed runs seen", subject, by=by, target=newest.target.name, runs=count)
    return count
