"""Lists of runs: filters that stand in the address, keyset pages, counts per status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.utils.dateparse import parse_datetime

from runs import statuses
from runs.models import Run, RunStep, RunText

PER_PAGE: Final = 50
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_NAMES: Final = (
    *("workflow", "target", "status", "trigger", "since", "until", "q", "id"),
    *("step", "tries", "took"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a list is narrowed to; "" is everything. `q` is searched in payload, output and error.

    `step` is the name of a step of runs that have ended, `tries` how often it was tried at least,
    `took` how many seconds the run took at least.
    """

    workflow: str = ""
    target: str = ""
    status: str = ""
    trigger: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    id: str = ""
    step: str = ""
    tries: str = ""
    took: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """Read the filters of an address; what it does not know is left out."""
        return cls(**{name: str(query.get(name, "")).strip()[:200] for name in _NAMES})

    @property
    def problem(self) -> str:
        """A sentence about the filters that cannot be read, which a list leaves out; "" for none."""
        wrong = [
            f"{name} is no time: {text}"
            for name, text in (("Since", self.since), ("Before", self.until))
            if text and _moment(text) is None
        ]
        if self.took and not _SECONDS.fullmatch(self.took):
            wrong.append(f"no number of seconds: {self.took}")
        if self.tries and not _number(self.tries):
            wrong.append(f"no number of tries: {self.tries}")
        wrong += [f"no state of a run: {name}" for name in unknown_statuses(self.status)]
        return f"A filter cannot be read ({'; '.join(wrong)})." if wrong else ""

    @property
    def readable(self) -> Filters:
        """The same without the states that no run can have."""
        unknown = unknown_statuses(self.status)
        asked = [name for name in self.status.split(",") if name and name not in unknown]
        return replace(self, status=",".join(asked))

    def query(self, **changes: str) -> str:
        """Return the address's query with these changes, what is empty left out."""
        values = {name: getattr(self, name) for name in _NAMES} | changes
        return urlencode({name: value for name, value in values.items() if value})


def unknown_statuses(asked: str) -> list[str]:
    """Return which of these are not known and no run has: a target may tell of new ones."""
    odd = [name for name in asked.split(",") if name and name not in statuses.KNOWN]
    if not odd:
        return []
    there = Run.objects.filter(status__in=odd).order_by().values_list("status", flat=True)
    return [name for name in odd if name not in set(there.distinct())]


def filtered(filters: Filters) -> QuerySet[Run]:
    """Return the runs that fit, in no order."""
    found = Run.objects.filter(_fits(filters))
    if filters.q:
        fits = (
            Q(params__icontains=filters.q)
            | Q(output__icontains=filters.q)
            | Q(error__icontains=filters.q)
        )
        found = found.filter(pk__in=RunText.objects.filter(fits).values("run"))
    if filters.step:
        steps = RunStep.objects.filter(name=filters.step, attempts__gte=_number(filters.tries))
        found = found.filter(pk__in=steps.values("run"))
    return found


def _number(text: str) -> int:
    """Return the number of a filter, 0 for none."""
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _fits(filters: Filters) -> Q:
    took = filters.took if _SECONDS.fullmatch(filters.took) else ""
    wanted: dict[str, Any] = {
        "workflow": filters.workflow,
        "target__name": filters.target,
        "status__in": filters.status.split(",") if filters.status else "",
        "trigger": filters.trigger,
        "instance_id__startswith": filters.id,
        "seconds__gte": float(took) if took else "",
        "created_at__gte": _moment(filters.since) or "",
        "created_at__lt": _moment(filters.until) or "",
    }
    return Q(**{lookup: value for lookup, value in wanted.items() if value != ""})


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text) if text else None
    except ValueError:
        return None
    if moment is not None and moment.tzinfo is None:
        from django.utils import timezone

        return timezone.make_aware(moment)
    return moment


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of runs, the newest first; `next` and `previous` are cursors, "" at the ends."""

    runs: list[Run]
    next: str
    previous: str


def page(filters: Filters, *, after: str = "", before: str = "") -> Page:
    """Return the page behind a cursor (older runs), or before one (newer runs)."""
    found = filtered(filters).select_related("workflow", "target").defer("target__api_token")
    if before and (key := _key(before)):
        newer = found.filter(Q(created_at__gt=key[0]) | Q(created_at=key[0], pk__gt=key[1]))
        rows = list(newer.order_by("created_at", "pk")[: PER_PAGE + 1])
        has_more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE][::-1]
        return _page(rows, has_next=True, has_previous=has_more)
    if after and (key := _key(after)):
        found = found.filter(Q(created_at__lt=key[0]) | Q(created_at=key[0], pk__lt=key[1]))
    rows = list(found.order_by("-created_at", "-pk")[: PER_PAGE + 1])
    return _page(rows[:PER_PAGE], has_next=len(rows) > PER_PAGE, has_previous=bool(after))


def _page(rows: list[Run], *, has_next: bool, has_previous: bool) -> Page:
    return Page(
        runs=rows,
        next=_cursor(rows[-1]) if rows and has_next else "",
        previous=_cursor(rows[0]) if rows and has_previous else "",
    )


def _cursor(run: Run) -> str:
    return f"{run.created_at.isoformat()}_{run.pk}"


def _key(cursor: str) -> tuple[datetime, int] | None:
    moment, _, pk = cursor.rpartition("_")
    try:
        return datetime.fromisoformat(moment), int(pk[:18])
    except ValueError:
        return None


def counts(filters: Filters) -> dict[str, int]:
    """Return how many runs there are in each state, whatever state the list is narrowed to."""
    anywhere = Filters(**{**_values(filters), "status": ""})
    rows = filtered(anywhere).order_by().values_list("status").annotate(number=Count("pk"))
    return {str(status): int(number) for status, number in rows}


def _values(filters: Filters) -> dict[str, Any]:
    return {name: getattr(filters, name) for name in _NAMES}
