"""Lists of runs: filters from the address, keyset pagination, counts per status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet

from runs import statuses
from runs.models import Run, RunStep, RunText
from runs.steps.step_reader import ROLLBACK
from web.moments import read_moment

PER_PAGE: Final = 50
MAX_FILTER: Final = 200  # characters of one filter
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
_KEY: Final = re.compile(r"[0-9]{1,18}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_NAMES: Final = (
    *("workflow", "name", "target", "status", "trigger", "since", "until", "q", "id"),
    *("step", "tries", "took", "error", "unseen"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which runs a list shows; "" for all. `q` is searched in payloads, outputs and errors.

    `name` is one of the several Workflows of a project.

    `step` is the name of a step or its node in ended runs, `tries` its minimum number of attempts, `took` the
    minimum duration of the run in seconds. `error` is the start of the run's error, `unseen` leaves
    out the runs whose failure someone has looked at.
    """

    workflow: str = ""
    name: str = ""
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
    error: str = ""
    unseen: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filters:
        """Read the filters of an address; other parameters are ignored."""
        return cls(**{name: str(query.get(name, "")).strip()[:MAX_FILTER] for name in _NAMES})

    @property
    def problem(self) -> str:
        """A sentence about invalid filters, which a list ignores; "" for none."""
        errors = [
            f"{name} is not a date and time: {text}"
            for name, text in (("Since", self.since), ("Before", self.until))
            if text and read_moment(text) is None
        ]
        if self.took and not _SECONDS.fullmatch(self.took):
            errors.append(f"not a number of seconds: {self.took}")
        if self.tries and not _number(self.tries):
            errors.append(f"not a number of attempts: {self.tries}")
        errors += [f"not a status: {name}" for name in unknown_statuses(self.status)]
        return f"A filter is not valid ({'; '.join(errors)})." if errors else ""

    @property
    def readable(self) -> Filters:
        """These filters without unknown statuses."""
        unknown = unknown_statuses(self.status)
        known = [name for name in self.status.split(",") if name and name not in unknown]
        return replace(self, status=",".join(known))

    def query(self, **changes: str) -> str:
        """Return the query string with these changes; empty filters are left out."""
        values = {name: getattr(self, name) for name in _NAMES} | changes
        return urlencode({name: value for name, value in values.items() if value})


def unknown_statuses(names: str) -> list[str]:
    """Return which of the comma-separated statuses are neither known here nor used by any run."""
    unknown = [name for name in names.split(",") if name and name not in statuses.KNOWN]
    if not unknown:
        return []
    used = Run.objects.filter(status__in=unknown).order_by().values_list("status", flat=True)
    return [name for name in unknown if name not in set(used.distinct())]


def filtered(filters: Filters) -> QuerySet[Run]:
    """Return the matching runs, unordered."""
    runs = Run.objects.filter(_conditions(filters))
    if filters.q:
        has_text = (
            Q(params__icontains=filters.q)
            | Q(output__icontains=filters.q)
            | Q(error__icontains=filters.q)
        )
        runs = runs.filter(pk__in=RunText.objects.filter(has_text).values("run"))
    if filters.step:
        is_step = Q(name=filters.step) | Q(label=filters.step)
        steps = RunStep.objects.filter(is_step, attempts__gte=_number(filters.tries))
        steps = steps.exclude(kind=ROLLBACK)
        runs = runs.filter(pk__in=steps.values("run"))
    return runs


def _number(text: str) -> int:
    """Return the number of a filter; 0 if it is not a number."""
    return int(text) if _NUMBER.fullmatch(text) else 0


def _conditions(filters: Filters) -> Q:
    took = filters.took if _SECONDS.fullmatch(filters.took) else ""
    conditions: dict[str, Any] = {
        "workflow": filters.workflow,
        "workflow_name": filters.name,
        "target__name": filters.target,
        "status__in": filters.status.split(",") if filters.status else "",
        "trigger": filters.trigger,
        "instance_id__startswith": filters.id,
        "error__startswith": filters.error,
        "viewed_at__isnull": bool(filters.unseen) or "",
        "seconds__gte": float(took) if took else "",
        "created_at__gte": read_moment(filters.since) or "",
        "created_at__lt": read_moment(filters.until) or "",
    }
    return Q(**{lookup: value for lookup, value in conditions.items() if value != ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of runs, newest first; `next` and `previous` are cursors, "" at the ends."""

    runs: list[Run]
    next: str
    previous: str


def page(filters: Filters, *, after: str = "", before: str = "") -> Page:
    """Return the page after a cursor (older runs), or before one (newer runs)."""
    runs = filtered(filters).select_related("workflow", "target").defer("target__api_token")
    if before and (key := _key(before)):
        newer = runs.filter(Q(created_at__gt=key[0]) | Q(created_at=key[0], pk__gt=key[1]))
        rows = list(newer.order_by("created_at", "pk")[: PER_PAGE + 1])
        has_more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE][::-1]
        return _page(rows, has_next=True, has_previous=has_more)
    if after and (key := _key(after)):
        runs = runs.filter(Q(created_at__lt=key[0]) | Q(created_at=key[0], pk__lt=key[1]))
    rows = list(runs.order_by("-created_at", "-pk")[: PER_PAGE + 1])
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
    text, _, pk = cursor.rpartition("_")
    moment = read_moment(text)
    return (moment, int(pk)) if moment and _KEY.fullmatch(pk) else None


def counts(filters: Filters) -> dict[str, int]:
    """Return the number of runs per status, ignoring the filter by status."""
    runs = filtered(replace(filters, status="")).order_by()
    rows = runs.values_list("status").annotate(number=Count("pk"))
    return {str(status): int(number) for status, number in rows}


def run_as_json(run: Run) -> dict[str, Any]:
    """Return the run with the keys that lists and commands share; times are ISO 8601."""
    names = ("created_at", "started_at", "ended_at", "gone_at")
    times = {name: getattr(run, name) for name in names}
    return {
        "id": run.instance_id,
        "workflow": run.workflow_id,
        "workflow_name": run.workflow_name,
        "target": run.target.name,
        "status": run.status,
        "trigger": run.trigger,
        "version_id": run.version_id,
        "deployment": run.deployment_id,
        **{name: time.isoformat() if time else None for name, time in times.items()},
        "seconds": run.seconds,
        "error": run.error,
        "steps": run.step_count,
        "retries": run.retries,
        "waits_for": run.waits_for,
    }
