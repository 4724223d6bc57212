"""The poller reads runs from the targets, within its call budget, and updates the index.

There is one poller for all viewers. What an open page shows is read more often; ended runs are not
read again.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import cloudflare
from django.utils import timezone
from structlog.contextvars import bound_contextvars

from deployments.history import workflow_names
from runs.index import attribution, watchers, writer
from runs.models import PollStatus, Run
from runs.sync import list_sync
from runs.sync.call_budget import Budget, Use
from runs.sync.list_sync import ListReader
from runs.sync.poll_backoff import Backoff
from runs.sync.poll_queries import WorkflowsToList
from runs.sync.poll_state import TargetState, WorkflowState
from targets.cloudflare import naming, retries, time_limits
from targets.cloudflare.account import SCRIPTS_READ, Account
from targets.cloudflare.errors import Cause, DeployError, RateLimited
from targets.lookup import account_of
from targets.models import Target
from toolchain.nul_characters import json_without_nul

logger = logging.getLogger(__name__)

# Seconds between two lists of a Workflow:
WATCHED_INTERVAL: Final = 1.0  # that an open page shows
BUSY_INTERVAL: Final = 10.0  # with open runs
IDLE_INTERVAL: Final = 60.0  # without open runs
# Seconds between checks of open runs that no list returned:
UNLISTED_INTERVAL: Final = 60.0
UNLISTED_INTERVAL_MANY: Final = 20.0  # if there are many, such as those of a batch
ERROR_PAUSE: Final = 30.0  # seconds
STATUS_INTERVAL: Final = 10.0  # seconds between two saves of the same status of a target
CALL_TIMEOUT: Final = 5.0  # seconds
_MAX_REFRESHED: Final = 100  # runs that are read while a person waits
_CAUSES_FOR_ALL: Final = (Cause.CREDENTIALS, Cause.PERMISSION, Cause.UNREACHABLE)


class PollerLeaseLost(Exception):
    """Another process is polling now; this one stops immediately."""


class Poller:
    """Reads what is due on each target.

    `hold` renews the lease before each call and returns whether this process still has it.
    """

    def __init__(self, hold: Callable[[], bool] = lambda: True) -> None:
        self._states: dict[int, TargetState] = {}
        self._paused: dict[int, float] = {}
        self._saved: dict[int, tuple[str, float]] = {}
        self._hold = hold
        self._to_list = WorkflowsToList()

    def turn(self) -> None:
        """Read what is due on every target; a target that fails is paused without affecting others."""
        channels = watchers.watched_channels()
        names = self._to_list.by_target()
        for pk, target in Target.objects.in_bulk(names).items():
            if time.monotonic() >= self._paused.get(pk, 0.0):
                self._poll(target, names[pk], channels)

    def calls(self, target: Target) -> int:
        """Return the calls to the target's account within the budget's window."""
        return Budget(target.account_id).used

    def _poll(self, target: Target, names: frozenset[str], channels: frozenset[str]) -> None:
        try:
            state = self._state(target, names)
            self._read_due(state, channels)
            self._save_status(target, state.error)
        except RateLimited as error:
            seconds = max((error.until - timezone.now()).total_seconds(), 1)
            self._pause(target, str(error), seconds)
        except DeployError as error:
            self._pause(target, str(error), ERROR_PAUSE)
        except PollerLeaseLost:
            raise
        except Exception:
            logger.exception("could not read the runs of %s", target)
            self._pause(target, "Its runs could not be read. See the log.", ERROR_PAUSE)

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Limit the time of a call, because other targets wait and the lease expires."""
        if not self._hold():
            raise PollerLeaseLost
        with retries.using(time_limits.until_deadline(CALL_TIMEOUT)):
            yield

    def _state(self, target: Target, names: frozenset[str]) -> TargetState:
        state, account = (
            self._states.get(target.pk),
            time_limits.with_timeout(account_of(target), CALL_TIMEOUT),
        )
        if state is None or state.account is not account:
            state = TargetState(target=target, account=account, budget=Budget(account.account_id))
            self._states[target.pk] = state
        state.set_names(names)
        return state

    def _pause(self, target: Target, message: str, seconds: float) -> None:
        self._paused[target.pk] = time.monotonic() + seconds
        logger.info("not reading the runs of %s for %.0f s: %s", target, seconds, message)
        self._save_status(target, message)

    def _save_status(self, target: Target, error: str) -> None:
        """Save the status when its error changes, and from time to time."""
        previous, saved_at = self._saved.get(target.pk, (None, 0.0))
        if error == previous and time.monotonic() < saved_at + STATUS_INTERVAL:
            return
        calls = self.calls(target)
        values = {"polled_at": timezone.now(), "error": error, "calls_in_window": calls}
        PollStatus.objects.update_or_create(target=target, defaults=values)
        self._saved[target.pk] = (error, time.monotonic())

    def _read_due(self, state: TargetState, channels: frozenset[str]) -> None:
        self._read_watched(state, channels)
        state.set_watched(_watched_names(state.target, channels))
        for workflow in state.due(time.monotonic()):
            if not state.budget.allows(Use.LISTS):
                break
            self._list(state, workflow, channels)
        self._read_all(state, state.runs_to_check(), Use.READS)
        self._read_all(state, state.unread_runs(), Use.STEPS)

    def _read_all(self, state: TargetState, runs: Iterable[Run], use: Use) -> None:
        for run in runs:
            if not state.budget.allows(use):
                break
            self._read(state, run, use)

    def _read_watched(self, state: TargetState, channels: frozenset[str]) -> None:
        """Read the runs whose pages are open, each with its own backoff."""
        watched = watchers.watched_runs(channels)
        runs = [run for run in watched if run.target_id == state.target.pk]
        state.backoffs = {run.pk: state.backoffs.get(run.pk) or Backoff() for run in runs}
        for run in runs:
            backoff = state.backoffs[run.pk]
            if backoff.is_due(run) and state.budget.allows(Use.WATCHED):
                has_changed = self._read(state, run, Use.WATCHED)
                shortest = state.budget.stretched(Use.WATCHED, WATCHED_INTERVAL)
                backoff.after(run, has_changed=has_changed, shortest=shortest)

    def _read(self, state: TargetState, run: Run, use: Use) -> bool:
        with bound_contextvars(run=run.pk, workflow=run.workflow_id):
            return self._try_to_read(state, run, use)

    def _try_to_read(self, state: TargetState, run: Run, use: Use) -> bool:
        """Read one run. A failure pauses only this run, unless it would affect all."""
        if time.monotonic() < state.paused.get(run.pk, 0.0):
            return False
        state.paused.pop(run.pk, None)
        try:
            with self._call():
                return read(run, state.account, state.budget, use=use)
        except PollerLeaseLost:
            raise
        except DeployError as error:
            if _affects_all(error):
                raise
            logger.info("not reading %s for %.0f s: %s", run, ERROR_PAUSE, error)
        except Exception:
            logger.exception("could not read %s", run)
        state.paused[run.pk] = time.monotonic() + ERROR_PAUSE
        return False

    def _list(self, state: TargetState, workflow: WorkflowState, channels: frozenset[str]) -> None:
        try:
            self._sync_list(state, workflow)
        except DeployError as error:
            if _affects_all(error):
                raise
            state.schedule(workflow, time.monotonic() + ERROR_PAUSE)
            state.errors[workflow.name] = str(error)
            return
        state.errors.pop(workflow.name, None)
        seconds = _list_interval(state, workflow.name, channels)
        seconds = state.budget.stretched(Use.LISTS, seconds)
        state.schedule(workflow, time.monotonic() + seconds)

    def _reader(self, state: TargetState, workflow: WorkflowState) -> ListReader:
        return ListReader(
            target=state.target,
            workflow_name=workflow.name,
            account=state.account,
            budget=state.budget,
            call=self._call,
        )

    def _sync_list(self, state: TargetState, workflow: WorkflowState) -> None:
        reader = self._reader(state, workflow)
        list_sync.sync_new_runs(reader)
        deployment = attribution.newest_deployment(state.target, workflow.name)
        if deployment != workflow.deployment:
            attribution.reassign_recent(state.target, workflow.name)
            workflow.deployment = deployment
        if time.monotonic() >= workflow.unlisted_at and not workflow.to_check:
            self._check_unlisted(state, workflow, reader)
        state.set_to_check(workflow, list_sync.catch_up(reader, workflow.to_check))

    def _check_unlisted(
        self, state: TargetState, workflow: WorkflowState, reader: ListReader
    ) -> None:
        """Find the open runs that may have changed; a check that was interrupted continues soon."""
        is_many = len(reader.unlisted_runs()) > list_sync.PAGE_SIZE
        seconds = UNLISTED_INTERVAL_MANY if is_many else UNLISTED_INTERVAL
        workflow.to_check, is_complete = list_sync.possibly_changed(reader)
        if is_complete:
            seconds = state.budget.stretched(Use.READS, seconds)
        workflow.unlisted_at = time.monotonic() + seconds


def _affects_all(error: DeployError) -> bool:
    """Whether other calls to the target would fail as well."""
    return isinstance(error, RateLimited) or error.cause in _CAUSES_FOR_ALL


def _watched_names(target: Target, channels: frozenset[str]) -> frozenset[str]:
    """Return the names of the Workflows whose list is shown by an open page."""
    ids = watchers.watched_workflows(channels)
    of_projects = workflow_names.of_projects((target.pk, id_) for id_ in ids)
    return frozenset(map(naming.worker_name, ids)).union(*of_projects.values())


def _list_interval(state: TargetState, name: str, channels: frozenset[str]) -> float:
    if watchers.ALL in channels or name in state.watched:
        return WATCHED_INTERVAL
    open_runs = Run.objects.filter(target=state.target, workflow_name=name, is_open=True)
    return BUSY_INTERVAL if open_runs.exists() else IDLE_INTERVAL


def refresh(target: Target, workflow_name: str, account: Account) -> None:
    """Update the index of a Workflow's runs while a person waits."""
    reader = ListReader(
        target=target,
        workflow_name=workflow_name,
        account=account,
        budget=Budget(account.account_id),
        first=Use.PAGES,
        deeper=Use.PAGES,
    )
    list_sync.sync_new_runs(reader)
    changed, _ = list_sync.possibly_changed(reader)
    runs = Run.objects.filter(pk__in=list_sync.catch_up(reader, changed)[:_MAX_REFRESHED])
    for run in runs.select_related("target", "workflow"):
        read(run, account, reader.budget, use=Use.PAGES)


def read(run: Run, account: Account, budget: Budget, *, use: Use) -> bool:
    """Read one run with its steps; return whether it has changed or is gone."""
    budget.spend(use)
    data = describe(account, run.workflow_name, run.instance_id)
    if data is None:
        writer.mark_gone(run)
        return True
    if not _has_changed(run, data):
        writer.mark_unchanged(run, data)
        return False
    writer.apply_details(run, data, secrets=writer.secrets_of(run))
    return True


def describe(account: Account, workflow: str, instance_id: str) -> dict[str, Any] | None:
    """Return the run in the format of Cloudflare's API; None if the target does not have it.

    This does not use the database, so threads can call it; the caller counts the call.
    """
    with account.explained(f"read the run {instance_id}", needs=SCRIPTS_READ):
        try:  # raw, because the SDK's models do not accept new states and kinds of steps
            response = account.client.workflows.instances.with_raw_response.get(
                instance_id, account_id=account.account_id, workflow_name=workflow
            )
        except cloudflare.NotFoundError:
            return None
    answer = json.loads(json_without_nul(response.http_response.content))
    data: dict[str, Any] = answer.get("result") or {}
    return data


_digests: dict[int, int] = {}


def _has_changed(run: Run, data: dict[str, Any]) -> bool:
    """Whether the data differs from what was read last; the first read always counts."""
    digest = hash(repr(data))
    if run.read_at is not None and _digests.get(run.pk) == digest:
        return False
    if len(_digests) > 10_000:
        _digests.clear()
    _digests[run.pk] = digest
    return True
