"""The runs that wait for an event, read from their targets in parallel."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce

from runs.detail import fetch
from runs.detail.summary import OpenStep, summarize
from runs.index import writer
from runs.models import Run
from runs.steps.masking import redact_run
from runs.steps.step_nodes import document_of, node_ids, node_settings
from runs.steps.step_reader import read_steps
from runs.sync import poller
from runs.sync.call_budget import Budget, Use
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from web.moments import read_moment
from workflows.picture.states import State

PER_PAGE: Final = 20
_THREADS: Final = 8
_CACHED: Final = 60.0  # seconds, for a run that is known to wait
_CACHED_UNKNOWN: Final = 8.0  # for one that may be sleeping
_MAX_UNKNOWN: Final = 10
_KEY: Final = re.compile(r"[0-9]{1,18}")
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRun:
    """A run and its waits; empty if its target could not be reached."""

    run: Run
    waits: tuple[OpenStep, ...]

    @property
    def due(self) -> datetime:
        return min((wait.due for wait in self.waits if wait.due), default=_NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Runs that wait for an event; `next` is the cursor of the next page, "" at the end."""

    shown: list[WaitingRun]
    total: int
    next: str = ""


def waiting_page(runs: QuerySet[Run], *, after: str = "") -> Page:
    """Return a page of the runs that wait for an event, those that time out first at the top.

    The first page also reads waiting runs if the index does not know whether they wait for an
    event or sleep.
    """
    open_runs = runs.filter(is_open=True)
    known = open_runs.exclude(waits_for="").annotate(times_out=Coalesce("due_at", Value(_NEVER)))
    rows = list(_after(known, after).order_by("times_out", "pk")[: PER_PAGE + 1])
    page, has_more = rows[:PER_PAGE], len(rows) > PER_PAGE
    unknown = open_runs.filter(waits_for="", status="waiting").order_by("seen_at")
    room = 0 if after else min(PER_PAGE - len(page), _MAX_UNKNOWN)
    candidates = _read([*page, *unknown[:room]])
    waiting = [
        item for item in candidates if not item.run.gone_at and (item.waits or item.run.waits_for)
    ]
    shown = sorted(waiting, key=lambda item: item.due)
    total = max(known.count(), len(shown))
    return Page(shown=shown, total=total, next=_cursor(page[-1]) if has_more else "")


def _cursor(run: Run) -> str:
    return f"{(run.due_at or _NEVER).isoformat()}_{run.pk}"


def _after(known: QuerySet[Any], cursor: str) -> QuerySet[Any]:
    text, _, pk = cursor.rpartition("_")
    due = read_moment(text)
    if due is None or not _KEY.fullmatch(pk):
        return known
    return known.filter(Q(times_out__gt=due) | Q(times_out=due, pk__gt=int(pk)))


def _read(runs: Sequence[Run]) -> list[WaitingRun]:
    data = _fetch_all(runs)
    return [_waiting_run(run, data.get(run.pk)) for run in runs]


def _fetch_all(runs: Sequence[Run]) -> dict[int, Any]:
    """Return the runs as their targets report them; cached until a run changes."""
    keys = {run.pk: f"waits-{run.pk}-{run.seen_at.timestamp()}" for run in runs}
    values = cache.get_many(list(keys.values()))
    cached = {pk: values[key] for pk, key in keys.items() if key in values}
    missing = [run for run in runs if run.pk not in cached]
    requests = [(account, run) for run in missing if (account := _account(run))]
    for account_id, calls in Counter(account.account_id for account, _ in requests).items():
        Budget(account_id).spend(Use.PAGES, calls)
    with ThreadPoolExecutor(_THREADS) as threads:
        fetched = dict(threads.map(_fetch, requests))
    fresh = {pk: data for pk, data in fetched.items() if data}
    for run in runs:
        if run.pk in fetched and fetched[run.pk] is None:
            writer.mark_gone(run)
        if run.pk in fresh:
            seconds = _CACHED if run.waits_for else _CACHED_UNKNOWN
            cache.set(keys[run.pk], fresh[run.pk], seconds)
    return cached | fresh


def _account(run: Run) -> Account | None:
    try:
        return fetch.quick_account(run)
    except DeployError:
        return None


def _fetch(request: tuple[Account, Run]) -> tuple[int, Any]:
    """Return the run's data: None if the target no longer has the run, {} after an error."""
    account, run = request
    try:
        with retries.using(time_limits.until_deadline()):
            return run.pk, poller.describe(account, run.workflow_name, run.instance_id)
    except DeployError:
        return run.pk, {}


def _waiting_run(run: Run, data: Any) -> WaitingRun:
    try:
        secrets = writer.secrets_of(run) if data else frozenset()
    except DeployError:  # secrets that cannot be read cannot be masked
        return WaitingRun(run=run, waits=())
    if not data:
        return WaitingRun(run=run, waits=())
    steps = read_steps(redact_run(data, secrets), is_over=False)
    settings = node_settings(run.deployment_id, node_ids(document_of(run), steps))
    summary = summarize(steps, settings, errored=False)
    is_waiting = any(step.state is State.WAITING for step in steps)
    if is_waiting != bool(run.waits_for):  # lists do not distinguish sleeping from waiting runs
        writer.apply_details(run, data, secrets=secrets)
    return WaitingRun(run=run, waits=summary.waits)
