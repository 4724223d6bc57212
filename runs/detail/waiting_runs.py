"""What the runs wait for, read from their targets a few at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.core.cache import cache
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Coalesce

from deployments.models import Deployment
from runs.detail import fetch, run_page
from runs.detail.summary import Open, nodes_of, situation
from runs.index import writer
from runs.models import Run
from runs.steps.step_reader import read_steps
from runs.sync import poller
from runs.sync.call_budget import Budget, Use
from targets.cloudflare import retries, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from workflows.picture.states import State

MOST: Final = 20
_AT_ONCE: Final = 8
_KEPT: Final = 60.0  # seconds, where a run is known to wait
_KEPT_UNKNOWN: Final = 8.0  # where it sleeps, and may wait soon
_MOST_UNKNOWN: Final = 10
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A run and the waits that it is in; none where its target could not be asked."""

    run: Run
    waits: tuple[Open, ...]

    @property
    def due(self) -> datetime:
        return min((one.due for one in self.waits if one.due), default=_NEVER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Runs that wait for an event; `next` is the cursor of those that time out later, "" at the end."""

    shown: list[Waiting]
    total: int
    next: str = ""


def waiting(runs: QuerySet[Run], *, after: str = "") -> Page:
    """Return a page of the runs that wait for an event, what times out first at the head.

    Where there is room on the first, runs are asked too that wait, and whose reason the index does
    not know.
    """
    open_runs = runs.filter(is_open=True)
    known = open_runs.exclude(waits_for="").annotate(times_out=Coalesce("due_at", Value(_NEVER)))
    found = list(_behind(known, after).order_by("times_out", "pk")[: MOST + 1])
    asked, has_more = found[:MOST], len(found) > MOST
    unknown = open_runs.filter(waits_for="", status="waiting").order_by("seen_at")
    room = 0 if after else min(MOST - len(asked), _MOST_UNKNOWN)
    told = _read([*asked, *unknown[:room]])
    there = [one for one in told if not one.run.gone_at and (one.waits or one.run.waits_for)]
    shown = sorted(there, key=lambda one: one.due)
    total = max(known.count(), len(shown))
    return Page(shown=shown, total=total, next=_cursor(asked[-1]) if has_more else "")


def _cursor(run: Run) -> str:
    return f"{(run.due_at or _NEVER).isoformat()}_{run.pk}"


def _behind(known: QuerySet[Any], cursor: str) -> QuerySet[Any]:
    moment, _, pk = cursor.rpartition("_")
    try:
        due, last = datetime.fromisoformat(moment), int(pk[:18])
    except ValueError:
        return known
    return known.filter(Q(times_out__gt=due) | Q(times_out=due, pk__gt=last))


def _read(runs: Sequence[Run]) -> list[Waiting]:
    told = _told(runs)
    return [_waiting(run, told.get(run.pk)) for run in runs]


def _told(runs: Sequence[Run]) -> dict[int, Any]:
    """Return what the targets say of the runs; what was asked since a run's last change is kept."""
    keys = {run.pk: f"waits-{run.pk}-{run.seen_at.timestamp()}" for run in runs}
    kept = cache.get_many(list(keys.values()))
    known = {pk: kept[key] for pk, key in keys.items() if key in kept}
    asked = [(account, run) for run in runs if run.pk not in known and (account := _account(run))]
    for account_id, calls in Counter(account.account_id for account, _ in asked).items():
        Budget(account_id).spend(Use.PAGES, calls)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        told = dict(threads.map(_ask, asked))
    fresh = {pk: one for pk, one in told.items() if one}
    for run in runs:
        if run.pk in told and told[run.pk] is None:
            writer.mark_gone(run)
        if run.pk in fresh:
            seconds = _KEPT if run.waits_for else _KEPT_UNKNOWN
            cache.set(keys[run.pk], fresh[run.pk], seconds)
    return known | fresh


def _account(run: Run) -> Account | None:
    try:
        return fetch.quick_account(run)
    except DeployError:
        return None


def _ask(asked: tuple[Account, Run]) -> tuple[int, Any]:
    """Return what is told of the run: None where it is gone, nothing where that is not known."""
    account, run = asked
    try:
        with retries.using(time_limits.until_deadline()):
            return run.pk, poller.describe(account, run.workflow_name, run.instance_id)
    except DeployError:
        return run.pk, {}


def _waiting(run: Run, told: Any) -> Waiting:
    if not told:
        return Waiting(run=run, waits=())
    steps = read_steps(told, is_over=False)
    mine = Deployment.objects.only("ir")
    made = mine.get(pk=run.deployment_id) if run.deployment_id else None
    nodes = nodes_of(run_page.parsed(made.pk) if made else None, steps)
    found = situation(steps, run_page.data_of(made, nodes), errored=False).waits
    waits = any(step.state is State.WAITING for step in steps)
    if waits != bool(run.waits_for):  # no list tells that a run sleeps that did wait, or waits
        with suppress(DeployError):  # a secret that cannot be read cannot be hidden
            writer.apply_details(run, told, secrets=writer.secrets_of(run))
    return Waiting(run=run, waits=found)
