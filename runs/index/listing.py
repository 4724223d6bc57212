"""Lists of runs: filters from the address, keyset pagination, counts per status."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Left

from runs import statuses
from runs.models import Run, RunStep, RunText
from runs.steps.step_reader import ROLLBACK
from web.moments import read_moment

PER_PAGE: Final = 50
MAX_COUNTED: Final = 1_000  # runs per status
MAX_SEARCHED: Final = 30_000  # newest runs whose texts are searched
MAX_FILTER: Final = 200  # characters of one filter
_RARE: Final = 10 * MAX_COUNTED  # at most so many runs match a condition that is looked up first
_LAST: Final = "\U0010ffff"  # sorted after all other characters
_LARGE: Final = ("ir", "files", "entry_code", "dependencies", "deploy_settings", "tests")
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
    for name, start in (("instance_id", filters.id), ("error", filters.error)):
        if start:
            runs = runs.alias(**{f"start_of_{name}": Left(name, len(start))})
            runs = runs.filter(**{f"start_of_{name}": start})
    if filters.q:
        runs = runs.filter(Exists(_texts(filters).filter(run=OuterRef("pk"))))
    if filters.step:
        runs = runs.filter(Exists(_steps_of_run(filters)))
    return runs


def _texts(filters: Filters) -> QuerySet[RunText]:
    has_text = (
        Q(params__icontains=filters.q)
        | Q(output__icontains=filters.q)
        | Q(error__icontains=filters.q)
    )
    return RunText.objects.filter(has_text)


def _steps(filters: Filters) -> QuerySet[RunStep]:
    is_step = Q(name=filters.step) | Q(label=filters.step)
    steps = RunStep.objects.filter(is_step, attempts__gte=_number(filters.tries))
    return steps.exclude(kind=ROLLBACK)


def _steps_of_run(filters: Filters) -> QuerySet[RunStep]:
    """Return the same steps, of one run.

    The expressions keep the database from choosing the indexes by name, which hold the steps of all
    runs, over the index by run.
    """
    names = {"its_name": Coalesce("name", Value("")), "its_label": Coalesce("label", Value(""))}
    steps = RunStep.objects.filter(run=OuterRef("pk")).alias(**names)
    steps = steps.filter(Q(its_name=filters.step) | Q(its_label=filters.step))
    steps = steps.alias(tries=F("attempts") + 0).filter(tries__gte=_number(filters.tries))
    return steps.exclude(kind=ROLLBACK)


def searched_since(filters: Filters) -> datetime | None:
    """Return the time before which the texts of runs are not searched; None if all are."""
    if not filters.q:
        return None
    runs = filtered(replace(filters, q="")).order_by("-created_at", "-pk")
    return runs.values_list("created_at", flat=True)[MAX_SEARCHED:].first()


def listed(filters: Filters) -> QuerySet[Run]:
    """Return the runs of a list that is sorted by time. Only texts of the newest ones are searched.

    Reading in the order of time is fast if many runs match, and slow if few do. So if few runs match a
    condition, they are looked up first.
    """
    runs = filtered(filters)
    if since := searched_since(filters):
        runs = runs.filter(created_at__gt=since)
    for keys in _rare(filters):
        found = list(keys[: _RARE + 1])
        if len(found) <= _RARE:
            return runs.filter(pk__in=found)
    return runs


def _rare(filters: Filters) -> Iterator[QuerySet[Any, int]]:
    """Yield the keys of the runs that match a condition whose index is not sorted by time."""
    runs, took = Run.objects.order_by(), _took(filters)
    if filters.id:
        yield _starting(runs, "instance_id", filters.id).values_list("pk", flat=True)
    if filters.error:
        has_error = _starting(runs, "error", filters.error).exclude(error="")
        yield has_error.values_list("pk", flat=True)
    if took:
        yield runs.filter(seconds__gte=float(took)).values_list("pk", flat=True)
    if filters.step:
        yield _steps(filters).order_by().values_list("run", flat=True)


def _starting(runs: QuerySet[Run], name: str, start: str) -> QuerySet[Run]:
    """Return the runs by an index, which SQLite does not use for LIKE."""
    if connection.vendor == "sqlite":
        return runs.filter(**{f"{name}__gte": start, f"{name}__lt": start + _LAST})
    return runs.filter(**{f"{name}__startswith": start})


def _took(filters: Filters) -> str:
    return filters.took if _SECONDS.fullmatch(filters.took) else ""


def _number(text: str) -> int:
    """Return the number of a filter; 0 if it is not a number."""
    return int(text) if _NUMBER.fullmatch(text) else 0


def _conditions(filters: Filters) -> Q:
    took = _took(filters)
    conditions: dict[str, Any] = {
        "workflow": filters.workflow,
        "workflow_name": filters.name,
        "target__name": filters.target,
        "status__in": filters.status.split(",") if filters.status else "",
        "trigger": filters.trigger,
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
    runs = listed(filters).select_related("workflow", "target")
    runs = runs.defer("target__api_token", *(f"workflow__{name}" for name in _LARGE))
    if before and (key := _key(before)):
        newer = runs.filter(created_at__gte=key[0])  # for the index: it is in both alternatives
        newer = newer.filter(Q(created_at__gt=key[0]) | Q(created_at=key[0], pk__gt=key[1]))
        rows = list(newer.order_by("created_at", "pk")[: PER_PAGE + 1])
        has_more, rows = len(rows) > PER_PAGE, rows[:PER_PAGE][::-1]
        return _page(rows, has_next=True, has_previous=has_more)
    if after and (key := _key(after)):
        runs = runs.filter(created_at__lte=key[0])
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


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusCounts:
    """The number of runs per status; if there are `more` runs, only the newest ones were counted."""

    numbers: Mapping[str, int]
    more: bool = False

    def text(self, status: str) -> str:
        """Return the number, with a plus if there may be more; "" if it is not known."""
        number = self.numbers.get(status, 0)
        if self.more or number > MAX_COUNTED:
            return f"{min(number, MAX_COUNTED):,}+" if number else ""
        return f"{number:,}"


def counts(filters: Filters) -> StatusCounts:
    """Return the number of runs per status, ignoring the filter by status.

    No status is counted beyond MAX_COUNTED. With filters that have no index by status, only the newest
    MAX_COUNTED runs are counted, and statuses that other runs have are included with 0.
    """
    runs = listed(replace(filters, status="")).order_by("-created_at", "-pk")
    found = Counter(runs.values_list("status", flat=True)[: MAX_COUNTED + 1])
    if found.total() <= MAX_COUNTED:
        return StatusCounts(numbers=found)
    known = _known(filters.workflow)
    if filters.query(workflow="", status=""):
        return StatusCounts(numbers={**dict.fromkeys(known, 0), **found}, more=True)
    return StatusCounts(numbers={**found, **known})


class _Count(Subquery):
    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = IntegerField()


def _known(workflow: str) -> dict[str, int]:
    """Return how many runs have each known status, up to MAX_COUNTED + 1, in one query; no zeros."""
    runs = Run.objects.filter(workflow=workflow) if workflow else Run.objects.all()
    keys = {name: runs.filter(status=name).order_by().values("pk") for name in statuses.KNOWN}
    counted = [_Count(each[: MAX_COUNTED + 1]) for each in keys.values()]
    numbers = Run.objects.order_by("pk").values_list(*counted)[:1].get()
    return {name: number for name, number in zip(keys, numbers, strict=True) if number}


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
