"""What SQLite's single writer takes care of, with PostgreSQL's many."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from django_eventstream.views import ListenerManager

from deployments.models import Deployment, StageRecord
from deployments.pipeline.errors import LeaseLost
from deployments.pipeline.stages import HAPPY_PATH, Stage, Status
from deployments.queue import claims, runner, transitions
from deployments.queue.enqueue import lock_queue
from deployments.queue.outcome import Outcome
from tests.cluster.cluster import wait_for
from tests.deployments.factories import make_deployment
from tests.support.patience import PATIENCE
from web.busy_database import is_locked, skipped_if_locked
from web.streams.changes import changes
from web.streams.table_watcher import TableWatcher

pytestmark = pytest.mark.django_db(transaction=True)

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def closing(work: Callable[[], Any]) -> Callable[[], Any]:
    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return run


@contextmanager
def uncommitted(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> Iterator[None]:
    """Do the work in a transaction that is committed when the body ends."""
    is_done, commit = threading.Event(), threading.Event()

    def run() -> None:
        with transaction.atomic():
            work()
            is_done.set()
            commit.wait(PATIENCE)

    running = pool.submit(closing(run))
    assert is_done.wait(PATIENCE)
    yield
    commit.set()
    running.result()


def wait_until_one_waits() -> None:
    def is_waiting() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            return bool(cursor.fetchone()[0])

    wait_for(is_waiting)


def record(deployment: Deployment, number: int) -> StageRecord:
    return StageRecord.objects.create(
        deployment=deployment, number=number, stage=HAPPY_PATH[number], message="", progress=0
    )


def test_a_row_with_a_higher_id_never_becomes_visible_first(pool: ThreadPoolExecutor) -> None:
    first, second = make_deployment(), make_deployment()

    with uncommitted(pool, lambda: record(first, 1)):
        later: Future[StageRecord] = pool.submit(closing(lambda: record(second, 1)))
        wait_until_one_waits()
        assert not StageRecord.objects.exists()

    assert later.result().pk == max(StageRecord.objects.values_list("pk", flat=True))


def test_a_process_that_lost_its_lease_while_it_waited_changes_nothing(
    pool: ThreadPoolExecutor,
) -> None:
    make_deployment()
    claimed = claims.claim()
    assert claimed
    pk, token = claimed.deployment.pk, claimed.token

    def end() -> None:
        transitions.end(pk, token, status=Status.INTERRUPTED, message="The process has died.")

    with uncommitted(pool, end):
        late = pool.submit(closing(lambda: transitions.enter(pk, token, stage=Stage.INITIALIZING)))
        wait_until_one_waits()

    with pytest.raises(LeaseLost):
        late.result()
    assert Deployment.objects.get(pk=pk).status == Status.INTERRUPTED.value
    assert [item.stage for item in StageRecord.objects.all()] == [Stage.FAILED.value]


def terminate_others() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_lost_connection_counts_as_a_busy_database(pool: ThreadPoolExecutor) -> None:
    is_listening, is_terminated = threading.Event(), threading.Event()

    def wait() -> bool:
        noticed = changes()
        is_listening.set()
        is_terminated.wait(PATIENCE)
        return noticed.wait(PATIENCE)

    waiting = pool.submit(closing(wait))
    assert is_listening.wait(PATIENCE)
    terminate_others()
    is_terminated.set()

    with pytest.raises(OperationalError) as lost:
        waiting.result()
    assert is_locked(lost.value)


def test_an_optional_write_whose_connection_is_lost_is_left_out() -> None:
    with skipped_if_locked(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    connection.close()
    assert not StageRecord.objects.exists()


def test_an_outcome_with_a_retry_waits_for_the_queue_without_a_row(
    pool: ThreadPoolExecutor,
) -> None:
    """A request that cancels what runs locks the queue first, and then the rows."""
    make_deployment()
    claimed = claims.claim()
    assert claimed
    running = claimed.deployment
    outcome = Outcome(status=Status.FAILED, message="The target is busy.", retry_at=timezone.now())

    with uncommitted(pool, lambda: lock_queue(running)):
        ending = pool.submit(
            closing(lambda: runner._write_outcome(claimed, outcome, secrets=(), account=None))
        )
        wait_until_one_waits()
        with transaction.atomic():
            Deployment.objects.select_for_update(nowait=True).get(pk=running.pk)

    ending.result()
    assert list(Deployment.objects.order_by("pk").values_list("status", "attempt")) == [
        (Status.FAILED.value, 1),
        (Status.QUEUED.value, 2),
    ]


class Numbers:
    """Remembers the numbers of new records, like the readers of the streams."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def read(self, _listeners: ListenerManager) -> None:
        newest = max(self.seen, default=0)
        newer = StageRecord.objects.filter(pk__gt=newest).order_by("pk")
        self.seen += newer.values_list("pk", flat=True)


def test_rows_that_were_written_while_the_connection_was_lost_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deployment, numbers, watcher = make_deployment(), Numbers(), TableWatcher()
    watcher.watch(lambda: numbers)
    is_needed = threading.Event()
    is_needed.set()
    monkeypatch.setattr(watcher, "_is_needed", lambda _listeners: is_needed.is_set())
    watcher.ensure_running()
    thread = watcher._thread
    assert thread

    try:
        first = record(deployment, 1)
        wait_for(lambda: numbers.seen == [first.pk])
        terminate_others()
        second = record(deployment, 2)
        wait_for(lambda: numbers.seen == [first.pk, second.pk])
    finally:
        is_needed.clear()
        thread.join(PATIENCE)
