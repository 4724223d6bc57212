"""Bulk changes: confirmed runs are changed, even if the target or the worker fails."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from awaitstep_site.settings import TASKS
from deployments.pipeline.errors import LeaseLost
from deployments.queue.tasks import process_queue
from deployments.queue.thread_backend import ThreadBackend
from runs.bulk import bulk_change, claims, tasks
from runs.index.listing import Filters
from runs.models import BulkChange, BulkLease, Run
from tests.runs.examples import live_deployment, make_run
from tests.runs.fake_api import FakeApi, refusal
from tests.support.page_text import text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]
ADA = Actor(None, "ada")
OTHER_BOOT = {"host": "elsewhere", "boot_id": "gone", "pid": 1, "pid_started": 0.0}
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of the bulk changes that were enqueued."""
    ids: list[int] = []
    monkeypatch.setattr(type(tasks.perform), "enqueue", lambda _task, pk: ids.append(pk))
    monkeypatch.setattr(tasks, "_enqueued_at", {})
    return ids


def skip_wait(change: BulkChange) -> float:
    """Skip the wait that the target asked for, and return its seconds."""
    assert change.waits_until
    assert list(claims.unclaimed()) == []
    seconds = (change.waits_until - datetime.now(UTC)).total_seconds()
    BulkChange.objects.filter(pk=change.pk).update(waits_until=datetime.now(UTC))
    assert list(claims.unclaimed()) == [change.pk]
    return seconds


def enqueue_change(runs: list[Run], action: str = "pause") -> BulkChange:
    confirmed = bulk_change.sign(action, Filters(), [run.pk for run in runs])
    return bulk_change.enqueue(confirmed, by=ADA, reason="stuck")


def make_runs(count: int) -> list[Run]:
    live = live_deployment()
    return [make_run(live) for _ in range(count)]


def perform(change: BulkChange) -> BulkChange:
    tasks.perform.func(change.pk)
    change.refresh_from_db()
    return change


def test_each_run_is_changed_with_one_call_and_recorded(fake_api: FakeApi) -> None:
    change = perform(enqueue_change(make_runs(3)))

    assert (change.done, change.failed, bool(change.ended_at)) == (3, 0, True)
    assert [method for method, _ in fake_api.requests] == ["PATCH"] * 3
    assert Entry.objects.filter(action="run: pause", reason="stuck").count() == 3
    assert not BulkLease.objects.exists()


def test_a_refused_run_does_not_stop_the_others(fake_api: FakeApi) -> None:
    fake_api.refusals["PATCH"] = [refusal(409)]
    first, *others = make_runs(3)

    change = perform(enqueue_change([first, *others]))

    assert (change.done, change.failed) == (2, 1)
    assert change.errors[0]["run"] == first.instance_id


def test_a_bulk_change_waits_for_a_rate_limited_target(fake_api: FakeApi) -> None:
    fake_api.refusals["PATCH"] = [refusal(429, retry_after="300")]

    change = perform(enqueue_change(make_runs(2)))
    seconds = skip_wait(change)
    perform(change)

    assert 290 < seconds <= 300
    assert (change.done, change.failed, change.waits_until) == (2, 0, None)
    assert Entry.objects.filter(action="run: pause").count() == 2


def test_a_long_bulk_change_lets_others_take_turns(
    fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch, enqueued: list[int]
) -> None:
    change = enqueue_change(make_runs(2))
    enqueued.clear()
    turns = iter([True, False])
    monkeypatch.setattr(claims.ClaimedChange, "may_continue", property(lambda _work: next(turns)))

    perform(change)

    assert (change.done, change.ended_at, enqueued) == (1, None, [change.pk])
    assert list(claims.unclaimed()) == [change.pk]


def abandon(change: BulkChange, **done: Any) -> None:
    """Leave the change to a worker on another host that has died."""
    BulkChange.objects.filter(pk=change.pk).update(**done)
    BulkLease.objects.create(change=change, heartbeat_at=LONG_AGO, **OTHER_BOOT)


def test_the_bulk_change_of_a_dead_worker_is_continued(fake_api: FakeApi) -> None:
    runs = make_runs(3)
    change = enqueue_change(runs)
    abandon(change, done=2)

    found = list(claims.unclaimed())
    perform(change)

    assert found == [change.pk]
    assert change.done == 3
    assert fake_api.paths("PATCH")[0].split("/")[-2] == runs[2].instance_id


def test_a_bulk_change_that_another_process_holds_is_left_alone(fake_api: FakeApi) -> None:
    change = enqueue_change(make_runs(1))
    work = claims.claim(change.pk)
    assert work is not None

    perform(change)

    assert list(claims.unclaimed()) == []
    assert fake_api.requests == []


def test_a_worker_stops_when_its_bulk_change_was_taken_over(fake_api: FakeApi) -> None:
    work = claims.claim(enqueue_change(make_runs(2)).pk)
    assert work is not None
    BulkLease.objects.all().delete()

    with pytest.raises(LeaseLost):
        tasks.change_remaining(work)

    assert BulkChange.objects.get().done == 0


def test_the_sweep_enqueues_a_waiting_change_once_a_minute(enqueued: list[int]) -> None:
    change = enqueue_change(make_runs(1))

    tasks.sweep()
    tasks.sweep()

    assert enqueued == [change.pk, change.pk]  # by the request, and by one sweep


def test_bulk_changes_have_their_own_threads() -> None:
    backend = ThreadBackend("default", {**TASKS["default"], "OPTIONS": {"threads": 1}})
    held, done = threading.Event(), threading.Event()
    backend.pools[tasks.QUEUE].submit(held.wait)

    backend.pools[process_queue.queue_name].submit(done.set)

    assert done.wait(10)
    held.set()


def test_an_internal_error_ends_the_bulk_change(
    fake_api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_work: claims.ClaimedChange) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(tasks, "change_remaining", broken)

    change = perform(enqueue_change(make_runs(2)))

    assert (change.done, change.failed) == (0, 2)
    assert change.ended_at
    assert "The server log" in change.errors[0]["message"]


def test_only_confirmed_runs_are_changed(admin_client: Client) -> None:
    run = make_run(status="waiting")
    query = {"action": "terminate", "status": "waiting"}
    page = admin_client.get("/runs/bulk/", query)
    make_run(run.deployment, status="waiting")

    admin_client.post("/runs/bulk/", {**query, "confirmed": page.context["confirmed"]})

    assert BulkChange.objects.get().run_ids == [run.pk]


def test_only_runs_whose_status_allows_the_action_are_changed(admin_client: Client) -> None:
    run = make_run(status="waiting")
    for status in ("complete", "errored", "terminated"):
        make_run(run.deployment, status=status)
    make_run(run.deployment, status="waiting", gone_at=LONG_AGO)
    make_run(run.deployment, status="of-tomorrow")

    page = admin_client.get("/runs/bulk/", {"action": "terminate"})
    resuming = admin_client.get("/runs/bulk/", {"action": "resume"})

    assert (page.context["count"], page.context["left_out"]) == (2, 4)
    assert "4 are left out" in text(page)
    assert (resuming.context["count"], resuming.context["left_out"]) == (0, 6)
    assert "No matching run allows this" in text(resuming)


def test_a_list_of_ended_runs_offers_only_their_actions(admin_client: Client) -> None:
    make_run(status="complete")

    page = admin_client.get("/runs/?status=complete,errored")

    assert [action for action, _ in page.context["bulk_actions"]] == ["restart", "delete"]


def test_a_single_run_is_singular_in_all_texts(admin_client: Client) -> None:
    make_run(status="waiting")
    page = admin_client.get("/runs/bulk/", {"action": "terminate"})
    form = {"action": "terminate", "confirmed": page.context["confirmed"]}

    result = admin_client.post("/runs/bulk/", form, follow=True)

    assert "Terminate 1 run |" in text(page)
    assert "Terminate 1 run |" in text(result)
    assert "1 run queued" in text(result)
    assert str(BulkChange.objects.get()) == "terminate of 1 run"


@pytest.mark.parametrize("confirmed", ["", "made-up"])
def test_an_invalid_confirmation_changes_nothing(admin_client: Client, confirmed: str) -> None:
    make_run()

    page = admin_client.post("/runs/bulk/", {"action": "pause", "confirmed": confirmed})

    assert "This confirmation is not valid" in text(page)
    assert not BulkChange.objects.exists()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("since", "yesterdayy"),
        ("until", "x"),
        ("took", "long"),
        ("tries", "x"),
        ("status", "bogus"),
    ],
)
def test_an_invalid_filter_changes_nothing(admin_client: Client, name: str, value: str) -> None:
    make_run()

    page = admin_client.get("/runs/bulk/", {"action": "delete", name: value})

    assert value in text(page)
    assert "A filter is not valid" in text(page)
    assert "confirmed" not in page.context
    assert "It was ignored" in text(admin_client.get("/runs/", {name: value}))
