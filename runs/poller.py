"""One poller for all viewers: it asks the targets for runs, within its budget, and writes the index.

What somebody looks at is asked for more often, what has ended not at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import cloudflare
from django.utils import timezone

from deployments import records
from deployments.errors import DeployError, RateLimited
from deployments.models import Target
from deployments.targets import account_of
from deployments.tools.account import SCRIPTS_READ, Account
from runs import index, interest
from runs.budget import Budget
from runs.interest import channel_of_run, channel_of_workflow
from runs.models import Polling, Run
from runs.telling import read_row
from workflows.ir.kinds import SCRIPT

logger = logging.getLogger(__name__)

PAGE: Final = 100
WATCHED: Final = 1.0  # seconds between questions about what somebody looks at
BUSY: Final = 10.0  # where runs go on
CALM: Final = 60.0  # where none does
AFTER_ERROR: Final = 30.0
_MOST_PAGES: Final = 200
_READS: Final = 20  # runs of one turn whose steps are read
_GRACE: Final = timedelta(seconds=1)  # that the target has to go on after a sleep


@dataclass
class _Workflow:
    """A Workflow at a target, and when it is asked for its runs next (on the clock of monotonic)."""

    name: str
    next_at: float = 0.0


@dataclass
class _Target:
    target: Target
    account: Account
    budget: Budget = field(default_factory=Budget)
    workflows: dict[str, _Workflow] = field(default_factory=dict)
    next_at: float = 0.0


class Poller:
    """Keeps for each target what it has asked and when; the index is all that others see of it."""

    def __init__(self) -> None:
        self._targets: dict[int, _Target] = {}

    def turn(self) -> None:
        """Ask every target what is due there; a target that fails is left alone for a while."""
        channels = interest.watched()
        for place in self._places():
            if time.monotonic() < place.next_at:
                continue
            try:
                self._ask(place, channels)
                self._write(place)
            except RateLimited as busy:
                wait = max((busy.until - timezone.now()).total_seconds(), 1)
                self._rest(place, str(busy), wait)
            except DeployError as refused:
                self._rest(place, str(refused), AFTER_ERROR)

    def calls(self, target: Target) -> int:
        """Return how many calls were made to the target in the window of the budget."""
        place = self._targets.get(target.pk)
        return place.budget.used if place else 0

    def _places(self) -> list[_Target]:
        live = records.still_live().filter(target__isnull=False).order_by()
        rows = live.values_list("target", "worker_name", "ir__kind").distinct()
        names: dict[int, set[str]] = {}
        for target, worker, kind in rows:
            if kind != SCRIPT:
                names.setdefault(int(target), set()).add(worker)
        places = []
        for pk, workers in names.items():
            with suppress(DeployError):  # it cannot be reached at all: others can
                places.append(self._place(pk, workers))
        return places

    def _place(self, pk: int, workers: Iterable[str]) -> _Target:
        target = Target.objects.get(pk=pk)
        known = self._targets.get(pk)
        account = account_of(target)
        if known is None or known.account is not account:
            known = _Target(target=target, account=account)
            self._targets[pk] = known
        for worker in workers:
            known.workflows.setdefault(worker, _Workflow(worker))
        return known

    def _rest(self, place: _Target, message: str, seconds: float) -> None:
        place.next_at = time.monotonic() + seconds
        logger.info("runs of %s are not read for %.0f s: %s", place.target, seconds, message)
        self._write(place, error=message)

    def _write(self, place: _Target, *, error: str = "") -> None:
        Polling.objects.update_or_create(
            target=place.target,
            defaults={
                "asked_at": timezone.now(),
                "error": error,
                "calls_in_window": place.budget.used,
            },
        )

    def _ask(self, place: _Target, channels: frozenset[str]) -> None:
        for run in interest.watched_runs(channels):
            if run.target_id == place.target.pk and place.budget.allows(calm=False):
                read(run, place.account, place.budget)
        for workflow in place.workflows.values():
            if time.monotonic() >= workflow.next_at:
                self._list(place, workflow, channels)
        for run in [*_unread(place.target), *_due(place.target)]:
            if not place.budget.allows(calm=True):
                return
            read(run, place.account, place.budget)
            Run.objects.filter(pk=run.pk, due_at__lte=timezone.now()).update(due_at=None)

    def _list(self, place: _Target, workflow: _Workflow, channels: frozenset[str]) -> None:
        is_watched = _is_watched(workflow.name, channels)
        if not place.budget.allows(calm=not is_watched):
            return
        refresh(place.target, workflow.name, place.account, place.budget)
        open_runs = Run.objects.filter(
            target=place.target, workflow_name=workflow.name, is_open=True
        )
        wait = WATCHED if is_watched else BUSY if open_runs.exists() else CALM
        workflow.next_at = time.monotonic() + wait


def _is_watched(workflow_name: str, channels: frozenset[str]) -> bool:
    from deployments.cloudflare.naming import workflow_id

    mine = channel_of_workflow(workflow_id(workflow_name))
    return interest.ALL in channels or mine in channels


def _unread(target: Target) -> list[Run]:
    """Return ended runs whose steps nobody has read, the newest first, and those that wait."""
    unread = Run.objects.filter(target=target, read_at=None, gone_at=None)
    unread = unread.exclude(is_open=True, status="queued")
    return list(unread.select_related("target", "workflow").order_by("-created_at")[:_READS])


def _due(target: Target) -> list[Run]:
    """Return runs of which a sleep, a wait or a pause before another try is over by now.

    Their status may be what it was, and yet they wait for something else. Each is asked once; what
    it says then may name another time.
    """
    due = Run.objects.filter(target=target, is_open=True, gone_at=None)
    due = due.filter(due_at__lt=timezone.now() - _GRACE, read_at__isnull=False)
    return list(due.select_related("target", "workflow").order_by("due_at")[:_READS])


def refresh(target: Target, workflow_name: str, account: Account, budget: Budget) -> None:
    """Read the list of a Workflow's runs as far back as something may have changed."""
    oldest = (
        Run.objects.filter(target=target, workflow_name=workflow_name, is_open=True)
        .order_by("created_at")
        .values_list("created_at", flat=True)
        .first()
    )
    cursor: Any = cloudflare.omit
    for _ in range(_MOST_PAGES):
        budget.spend()
        told, cursor = _page(account, workflow_name, cursor)
        rows = [read_row(row) for row in told]
        changed = index.apply_rows(target, workflow_name, rows)
        reached = bool(rows) and oldest is not None and rows[-1].created_at < oldest
        if not cursor or reached or (oldest is None and len(changed) < len(rows)):
            return
        if not budget.allows(calm=True):
            return


def _page(account: Account, workflow: str, cursor: Any) -> tuple[list[dict[str, Any]], str]:
    """Return a page of runs, the newest first, and the cursor of the next; "" at the end."""
    with account.explained(f"list the runs of {workflow}", needs=SCRIPTS_READ):
        try:  # raw: the SDK's page keeps the cursor to itself
            answer = account.client.workflows.instances.with_raw_response.list(
                workflow,
                account_id=account.account_id,
                per_page=PAGE,
                cursor=cursor,
                direction="desc",
            )
        except cloudflare.NotFoundError:
            return [], ""
    told = answer.http_response.json()
    info = told.get("result_info") or {}
    return list(told.get("result") or []), str(info.get("cursor") or "")


def read(run: Run, account: Account, budget: Budget) -> None:
    """Read one run with its steps; one that the target keeps no more is marked as gone."""
    budget.spend()
    told = describe(account, run.workflow_name, run.instance_id)
    if told is None:
        index.mark_gone(run)
    elif _has_changed(run, told):
        index.apply_details(run, told, secrets=index.secrets_of(run))


def describe(account: Account, workflow: str, instance_id: str) -> dict[str, Any] | None:
    """Return the run as the target tells it; None where it keeps it no more."""
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


__all__ = ["Poller", "channel_of_run", "describe", "read", "refresh"]
