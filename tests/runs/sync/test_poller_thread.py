"""What the poller reads and how often, and that failures do not affect other runs."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from deployments.pipeline.stages import Action
from runs.detail import fetch, waiting_runs
from runs.index import watchers, writer
from runs.models import PollStatus, Run, RunDetails, Watcher
from runs.sync import poller, poller_thread
from runs.sync.call_budget import Budget, Use
from runs.sync.poll_backoff import MAX_WAIT, Backoff
from runs.sync.poller import Poller, PollerLeaseLost
from targets.cloudflare.account import Account
from targets.lookup import account_of
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target
from tests.runs.examples import live_deployment, make_run
from tests.runs.examples import waiting_step as waiting_step
from tests.runs.fake_api import FakeApi
from tests.runs.fake_instances import FakeTarget
from web.models import ElectedProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTarget:
    """A fake behind all targets."""
    fake = FakeTarget()
    accounts: dict[int, Account] = {}

    def account_of(target: Target) -> Account:
        return accounts.setdefault(target.pk, fake.account(target))

    monkeypatch.setattr("runs.sync.poller.account_of", account_of)
    monkeypatch.setattr("runs.detail.fetch.account_of", account_of)
    return fake


def watched_run(fake: FakeTarget, status: str = "running", **fields: Any) -> Run:
    """A run whose page is open and that has already been read."""
    id_ = fake.add(0, status, **fields)
    run = make_run(instance_id=id_, status=status, version_id="v", read_at=timezone.now())
    watchers.mark_watched(watchers.channel_of_run(run.pk))
    return run


def test_a_watched_run_is_not_read_in_every_turn(fake: FakeTarget) -> None:
    run = watched_run(fake)
    poller = Poller()
    for _ in range(4):
        poller.turn()

    assert fake.calls_of(run.instance_id) == 1


def test_lists_are_read_even_if_watched_runs_use_their_share(fake: FakeTarget) -> None:
    run = watched_run(fake)
    Budget(run.target.account_id).spend(Use.WATCHED, Use.WATCHED.share)

    Poller().turn()

    assert fake.calls_of("/instances") == 1


@pytest.mark.parametrize("workflows", [2, 20])
def test_a_turn_without_budget_needs_the_same_queries_for_any_number_of_workflows(
    fake: FakeTarget, django_assert_num_queries: DjangoAssertNumQueries, workflows: int
) -> None:
    live = live_deployment()
    for _ in range(1, workflows):
        make_deployment(target=live.target, status="succeeded", version_id="v")
    poller = Poller()
    poller.turn()
    state = poller._states[live.target_id or 0]
    for workflow in state.workflows.values():
        state.schedule(workflow, 0)
    Budget(state.account.account_id).spend(Use.LISTS, Use.LISTS.share)

    with django_assert_num_queries(8):
        poller.turn()

    assert fake.calls_of("/instances") == workflows


def test_the_list_of_a_workflow_is_read_when_its_page_opens(fake: FakeTarget) -> None:
    live, poller = live_deployment(), Poller()
    poller.turn()
    watchers.mark_watched(watchers.channel_of_workflow(live.workflow_public_id))

    poller.turn()

    assert fake.calls_of("/instances") == 2


def test_new_runs_of_a_workflow_that_is_not_live_are_listed(fake: FakeTarget) -> None:
    live, poller = live_deployment(), Poller()
    poller.turn()
    make_run(live, workflow_name="elsewhere")

    poller.turn()

    assert fake.calls_of("elsewhere/instances") == 1


@pytest.mark.long
def test_many_watched_runs_stay_within_the_budget(
    fake: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=10_000.0)
    clock.monotonic = lambda: clock.now
    for name in ("poller", "poll_backoff", "poll_state"):
        monkeypatch.setattr(f"runs.sync.{name}.time", clock)
    monkeypatch.setattr("runs.sync.poller.Budget", partial(Budget, clock=clock.monotonic))
    live = live_deployment()
    for number in range(20):
        run = make_run(live, instance_id=fake.add(number, "running"), read_at=timezone.now())
        watchers.mark_watched(watchers.channel_of_run(run.pk))
    poller, lists = Poller(), 0

    for turn in range(60):  # five minutes
        if turn == 48:
            lists = fake.calls_of("/instances")
        clock.now += 5
        for run_data in fake.details.values():
            run_data["output"] = str(turn)
        poller.turn()

    assert len(fake.calls) <= 600
    assert fake.calls_of("/instances") > lists


def test_a_run_that_does_not_change_is_read_less_and_less_often() -> None:
    run, backoff, seconds = make_run(), Backoff(), []
    for has_changed in (True, *(False,) * 8, True):
        backoff.after(run, has_changed=has_changed, shortest=1.0)
        seconds.append(backoff.wait)
    assert seconds[:3] == [1.0, 1.5, 2.25]
    assert (seconds[-2], seconds[-1]) == (MAX_WAIT, 1.0)

    run.seen_at = timezone.now()

    assert backoff.is_due(run)


def test_a_run_that_cannot_be_read_is_retried_later_without_affecting_others(
    fake: FakeTarget,
) -> None:
    run = watched_run(fake)
    fake.fails = {f"/instances/{run.instance_id}": 500}
    poller = Poller()

    poller.turn()
    calls = fake.calls_of(run.instance_id)
    poller.turn()

    assert fake.calls_of(run.instance_id) == calls
    assert fake.calls_of("/instances") == 1
    assert PollStatus.objects.get().error == ""


def test_a_malformed_run_does_not_stop_the_others(
    fake: FakeTarget, caplog: pytest.LogCaptureFixture
) -> None:
    live = live_deployment()
    first, second = (
        make_run(live, instance_id=fake.add(number), status="complete", is_open=False)
        for number in range(2)
    )
    del fake.details[second.instance_id]["status"]

    Poller().turn()

    first.refresh_from_db()
    assert first.read_at is not None
    assert f"could not read {second}" in caplog.text


def test_a_failing_target_does_not_stop_the_next(
    fake: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = make_target(), make_target(name="good")
    for target in (bad, good):
        make_deployment(target=target, status="succeeded", version_id="v-one")

    def account_of(target: Target) -> Account:
        if target == bad:
            raise RuntimeError("an internal error")
        return fake.account(target)

    monkeypatch.setattr("runs.sync.poller.account_of", account_of)

    Poller().turn()

    assert "See the log" in PollStatus.objects.get(target=bad).error
    assert PollStatus.objects.get(target=good).error == ""
    assert fake.calls_of("/instances") == 1


def test_an_unchanged_status_is_not_saved_every_time(fake: FakeTarget) -> None:
    make_deployment(target=make_target(), status="succeeded", version_id="v-one")
    poller = Poller()
    poller.turn()
    saved_at = PollStatus.objects.get().polled_at

    poller.turn()

    assert PollStatus.objects.get().polled_at == saved_at


def test_a_poller_without_its_lease_makes_no_calls(fake: FakeTarget) -> None:
    watched_run(fake)

    with pytest.raises(PollerLeaseLost):
        Poller(lambda: False).turn()

    assert fake.calls == []


def test_a_payload_with_nul_is_stored(fake_api: FakeApi) -> None:
    """PostgreSQL refuses NUL in texts."""
    run = make_run()
    watchers.mark_watched(watchers.channel_of_run(run.pk))
    fake_api.params = {"a\0": "b\0"}

    data = poller.describe(account_of(run.target), run.workflow_name, run.instance_id)
    assert data
    writer.apply_details(run, data, secrets=())

    assert run.status == "waiting"
    assert RunDetails.objects.get(run=run).data["params"] == {"a\ufffd": "b\ufffd"}


def test_a_run_deleted_elsewhere_is_marked_as_gone(fake: FakeTarget) -> None:
    run = watched_run(fake, "waiting")
    Watcher.objects.all().delete()
    fake.delete(run.instance_id)

    Poller().turn()

    run.refresh_from_db()
    assert (run.gone_at is not None, run.is_open) == (True, False)


def test_waiting_runs_are_marked_as_gone_after_a_takedown(fake: FakeTarget) -> None:
    run = watched_run(fake, "waiting")
    live = run.deployment
    assert live
    make_deployment(
        workflow=live.workflow, target=live.target, action=Action.TAKEDOWN, status="succeeded"
    )
    Watcher.objects.all().delete()
    fake.has_workflow = False

    Poller().turn()

    run.refresh_from_db()
    assert (run.gone_at is not None, run.is_open) == (True, False)


def test_a_wait_answered_elsewhere_is_found_although_the_status_is_the_same(
    fake: FakeTarget,
) -> None:
    run = watched_run(fake, "waiting", steps=[waiting_step("sleep", end=10**9)])
    Watcher.objects.all().delete()
    long_ago = timezone.now() - timedelta(minutes=5)
    Run.objects.update(waits_for="go", read_at=long_ago)

    Poller().turn()

    run.refresh_from_db()
    assert (run.status, run.waits_for) == ("waiting", "")


def test_an_overdue_run_is_read_again_after_a_growing_delay(fake: FakeTarget) -> None:
    late = (timezone.now() - timedelta(seconds=30)).isoformat()
    run = watched_run(fake, "waiting", steps=[{**waiting_step("sleep"), "end": late}])
    Run.objects.update(due_at=timezone.now() - timedelta(seconds=29))
    Watcher.objects.all().delete()

    Poller().turn()

    run.refresh_from_db()
    assert run.due_at
    assert run.read_at
    assert 28 < (run.due_at - run.read_at).total_seconds() < 40


def test_all_viewers_of_a_run_share_one_call(fake: FakeTarget) -> None:
    run = watched_run(fake)

    results = [fetch.fetch_run(Run.objects.get(pk=run.pk)).data for _ in range(3)]

    assert fake.calls_of(run.instance_id) == 1
    assert results[0] == results[2]
    assert Budget(run.target.account_id).used == 1


def test_pages_show_what_the_poller_has_read(fake: FakeTarget) -> None:
    run = watched_run(fake, output='"given"')
    Poller().turn()
    calls = len(fake.calls)

    shown = fetch.fetch_run(Run.objects.get(pk=run.pk))

    assert shown.data
    assert shown.data["output"] == '"given"'
    assert len(fake.calls) == calls


def test_details_without_viewers_or_retention_are_deleted(fake: FakeTarget) -> None:
    run = watched_run(fake)
    fetch.fetch_run(run)
    assert RunDetails.objects.exists()
    RunDetails.objects.update(fetched_at=timezone.now() - timedelta(minutes=6))

    writer.prune()

    assert not RunDetails.objects.exists()


def test_the_waiting_page_notices_that_a_run_sleeps_now(
    fake: FakeTarget,
) -> None:
    run = watched_run(fake, "waiting", steps=[waiting_step("sleep", end=10**9)])
    Run.objects.update(waits_for="go")

    waiting_runs.waiting_page(Run.objects.select_related("target", "workflow"))

    run.refresh_from_db()
    assert (run.status, run.waits_for) == ("waiting", "")


def test_the_waiting_page_marks_gone_runs_and_counts_its_calls(
    fake: FakeTarget,
) -> None:
    run = watched_run(fake, "waiting")
    Run.objects.update(waits_for="go")
    fake.delete(run.instance_id)

    page = waiting_runs.waiting_page(Run.objects.select_related("target", "workflow"))

    run.refresh_from_db()
    assert (page.shown, run.is_open) == ([], False)
    assert Budget(run.target.account_id).used == 1


class EndOfTurnError(Exception):
    """Ends the thread's loop."""


def test_turns_share_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(_seconds: float) -> None:
        raise EndOfTurnError

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=end)
    monkeypatch.setattr(poller_thread, "time", clock)

    with pytest.raises(EndOfTurnError):
        poller_thread._poll_forever(())

    assert ElectedProcess.objects.filter(
        task="poller"
    ).exists()  # on a connection that is still open
