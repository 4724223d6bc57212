"""One poller for all viewers: it asks the targets for runs, within its budget, and writes the index.

What somebody looks at is asked for more often, what has ended not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import cloudflare
from django.utils import timezone

from runs.index import attribution, watchers, writer
from runs.models import Polling, Run
from runs.sync import list_sync, poll_queries
from runs.sync.call_budget import Budget, Use
from runs.sync.list_sync import Walk
from runs.sync.poll_backoff import Pace
from runs.sync.poll_state import AskedWorkflow, Place
from targets.cloudflare import naming, retries, time_limits
from targets.cloudflare.account import SCRIPTS_READ, Account
from targets.cloudflare.errors import Cause, DeployError, RateLimited
from targets.lookup import account_of
from targets.models import Target

logger = logging.getLogger(__name__)

WATCHED: Final = 1.0  # seconds between lists of what somebody looks at
BUSY: Final = 10.0  # where runs go on
CALM: Final = 60.0  # where none does
UNSEEN: Final = 60.0  # between looks at the runs that go on and that no list has told of
UNSEEN_MANY: Final = 20.0  # where they are many, as of a batch
AFTER_ERROR: Final = 30.0
ANSWER: Final = 5.0  # seconds that a target may take
_MOST_CHANGED: Final = 100  # runs that a person waits for
_ALL_FAILS: Final = (Cause.CREDENTIALS, Cause.PERMISSION, Cause.UNREACHABLE)


class LostLease(Exception):
    """Another process polls: this one stops where it stands."""


class Poller:
    """Keeps for each target what it has asked and when; the index is all that others see of it.

    `hold` keeps the lease before each call, and tells whether it is still ours.
    """

    def __init__(self, hold: Callable[[], bool] = lambda: True) -> None:
        self._places: dict[int, Place] = {}
        self._resting: dict[int, float] = {}
        self._hold = hold

    def turn(self) -> None:
        """Ask every target what is due there; what fails is left alone for a while, and it alone."""
        channels = watchers.watched()
        names = poll_queries.workflow_names()
        for pk, target in Target.objects.in_bulk(names).items():
            if time.monotonic() >= self._resting.get(pk, 0.0):
                self._visit(target, names[pk], channels)

    def calls(self, target: Target) -> int:
        """Return how many calls were made to the target's account in the window of the budget."""
        return Budget(target.account_id).used

    def _visit(self, target: Target, names: set[str], channels: frozenset[str]) -> None:
        try:
            place = self._place(target, names)
            self._ask(place, channels)
            _write(target, error=place.error)
        except RateLimited as busy:
            wait = max((busy.until - timezone.now()).total_seconds(), 1)
            self._rest(target, str(busy), wait)
        except DeployError as refused:
            self._rest(target, str(refused), AFTER_ERROR)
        except LostLease:
            raise
        except Exception:
            logger.exception("the runs of %s could not be read", target)
            self._rest(target, "Its runs could not be read: the log says why.", AFTER_ERROR)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Be in haste: other targets wait, and the lease."""
        if not self._hold():
            raise LostLease
        with retries.using(time_limits.until_deadline(ANSWER)):
            yield

    def _place(self, target: Target, names: set[str]) -> Place:
        known, account = (
            self._places.get(target.pk),
            time_limits.with_timeout(account_of(target), ANSWER),
        )
        if known is None or known.account is not account:
            known = Place(target=target, account=account, budget=Budget(account.account_id))
            self._places[target.pk] = known
        before = known.workflows
        known.workflows = {name: before.get(name) or AskedWorkflow(name) for name in sorted(names)}
        return known

    def _rest(self, target: Target, message: str, seconds: float) -> None:
        self._resting[target.pk] = time.monotonic() + seconds
        logger.info("runs of %s are not read for %.0f s: %s", target, seconds, message)
        _write(target, error=message)

    def _ask(self, place: Place, channels: frozenset[str]) -> None:
        self._watch(place, channels)
        for workflow in place.workflows.values():
            if time.monotonic() >= workflow.next_at:
                self._list(place, workflow, channels)
        for use, runs in ((Use.READS, place.changing()), (Use.STEPS, place.unread())):
            for run in runs:
                if place.budget.allows(use):
                    self._read(place, run, use)

    def _watch(self, place: Place, channels: frozenset[str]) -> None:
        """Read the runs that somebody looks at, each at its own pace."""
        runs = [run for run in watchers.watched_runs(channels) if run.target_id == place.target.pk]
        place.paces = {run.pk: place.paces.get(run.pk) or Pace() for run in runs}
        for run in runs:
            pace = place.paces[run.pk]
            if pace.is_due(run) and place.budget.allows(Use.WATCHED):
                has_changed = self._read(place, run, Use.WATCHED)
                least = place.budget.stretched(Use.WATCHED, WATCHED)
                pace.after(run, has_changed=has_changed, least=least)

    def _read(self, place: Place, run: Run, use: Use) -> bool:
        """Read one run; one that fails rests alone, unless all would fail."""
        if time.monotonic() < place.resting.get(run.pk, 0.0):
            return False
        place.resting.pop(run.pk, None)
        try:
            with self._call():
                return read(run, place.account, place.budget, use=use)
        except LostLease:
            raise
        except DeployError as refused:
            if _fails_for_all(refused):
                raise
            logger.info("%s is not read for %.0f s: %s", run, AFTER_ERROR, refused)
        except Exception:
            logger.exception("%s could not be read", run)
        place.resting[run.pk] = time.monotonic() + AFTER_ERROR
        return False

    def _list(self, place: Place, workflow: AskedWorkflow, channels: frozenset[str]) -> None:
        if not place.budget.allows(Use.LISTS):
            return
        try:
            self._catch_up(place, workflow)
        except DeployError as refused:
            if _fails_for_all(refused):
                raise
            workflow.next_at = time.monotonic() + AFTER_ERROR
            workflow.error = str(refused)
            return
        workflow.error = ""
        is_watched = _is_watched(workflow.name, channels)
        mine = Run.objects.filter(target=place.target, workflow_name=workflow.name, is_open=True)
        wait = WATCHED if is_watched else BUSY if mine.exists() else CALM
        workflow.next_at = time.monotonic() + place.budget.stretched(Use.LISTS, wait)

    def _catch_up(self, place: Place, workflow: AskedWorkflow) -> None:
        walk = Walk(
            target=place.target,
            workflow_name=workflow.name,
            account=place.account,
            budget=place.budget,
            call=self._call,
        )
        list_sync.catch_up(walk)
        live = attribution.newest_live(place.target, workflow.name)
        if live != workflow.live:
            attribution.place_again(place.target, workflow.name)
            workflow.live = live
        if time.monotonic() >= workflow.unseen_at:
            wait = UNSEEN_MANY if len(walk.open_runs()) > list_sync.PAGE else UNSEEN
            workflow.suspects = list_sync.suspects(walk)
            workflow.unseen_at = time.monotonic() + place.budget.stretched(Use.READS, wait)


def _fails_for_all(refused: DeployError) -> bool:
    """Tell whether nothing else needs to be asked for at the target now."""
    return isinstance(refused, RateLimited) or refused.cause in _ALL_FAILS


def _write(target: Target, *, error: str) -> None:
    Polling.objects.update_or_create(
        target=target,
        defaults={
            "asked_at": timezone.now(),
            "error": error,
            "calls_in_window": Budget(target.account_id).used,
        },
    )


def _is_watched(workflow_name: str, channels: frozenset[str]) -> bool:
    mine = watchers.channel_of_workflow(naming.workflow_id(workflow_name))
    return watchers.ALL in channels or mine in channels


def refresh(target: Target, workflow_name: str, account: Account) -> None:
    """Bring the index up to what the target says of a Workflow's runs, for a person who waits."""
    walk = Walk(
        target=target,
        workflow_name=workflow_name,
        account=account,
        budget=Budget(account.account_id),
        first=Use.PAGES,
        deeper=Use.PAGES,
    )
    list_sync.catch_up(walk)
    found = Run.objects.filter(pk__in=list_sync.suspects(walk)[:_MOST_CHANGED])
    for run in found.select_related("target", "workflow"):
        read(run, account, walk.budget, use=Use.PAGES)


def read(run: Run, account: Account, budget: Budget, *, use: Use) -> bool:
    """Read one run with its steps, and tell whether it has changed; one that is gone is marked."""
    budget.spend(use)
    told = describe(account, run.workflow_name, run.instance_id)
    if told is None:
        writer.mark_gone(run)
        return True
    if not _has_changed(run, told):
        writer.confirm(run, told)
        return False
    writer.apply_details(run, told, secrets=writer.secrets_of(run))
    return True


def describe(account: Account, workflow: str, instance_id: str) -> dict[str, Any] | None:
    """Return the run as the target tells it; None where it keeps it no more.

    It needs no database, so that a thread may ask: whoever does counts the call.
    """
    with account.explained(f"read the run {instance_id}", needs=SCRIPTS_READ):
        try:  # raw: states and kinds of steps are open sets, which the SDK's models are not
            answer = account.client.workflows.instances.with_raw_response.get(
                instance_id, account_id=account.account_id, workflow_name=workflow
            )
        except cloudflare.NotFoundError:
            return None
    told: dict[str, Any] = answer.http_response.json().get("result") or {}
    return told


_seen: dict[int, int] = {}


def _has_changed(run: Run, told: dict[str, Any]) -> bool:
    """Tell whether anything differs from what was read last; the first reading always counts."""
    digest = hash(repr(told))
    if run.read_at is not None and _seen.get(run.pk) == digest:
        return False
    if len(_seen) > 10_000:
        _seen.clear()
    _seen[run.pk] = digest
    return True
