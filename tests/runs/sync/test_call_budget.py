"""The calls of an account: counted together, with a share for each use."""

from __future__ import annotations

import pytest

from audit.trail import Actor
from runs.bulk import batch_work, bulk_change, tasks
from runs.bulk.json_lines import read_lines
from runs.index.listing import Filters
from runs.services import control, lookup
from runs.sync.call_budget import MAX_CALLS, WINDOW, Budget, Use
from targets.models import Target
from tests.runs.examples import live_deployment, make_run
from tests.runs.fake_api import FakeApi

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_workers")]


ADA = Actor(None, "ada")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_all_calls_to_an_account_are_counted_together() -> None:
    Budget("account").spend(Use.READS)
    Budget("account").spend(Use.PAGES, 3)
    Budget("another").spend(Use.READS)

    assert Budget("account").used == 4


def test_calls_outside_the_window_are_not_counted() -> None:
    clock = Clock()
    budget = Budget("account", clock)
    budget.spend(Use.READS, 7)
    clock.now += WINDOW
    assert budget.used == 7

    clock.now += 60

    assert budget.used == 0


def test_uses_have_separate_shares() -> None:
    budget = Budget("account")

    budget.spend(Use.WATCHED, Use.WATCHED.share)

    assert not budget.allows(Use.WATCHED)
    assert budget.allows(Use.LISTS)


def test_the_poller_pauses_when_pages_have_used_the_budget() -> None:
    budget = Budget("account")

    budget.spend(Use.PAGES, MAX_CALLS)

    assert not budget.allows(Use.LISTS)


def test_the_poller_uses_at_most_half_of_cloudflares_limit() -> None:
    assert sum(use.share for use in Use if use is not Use.PAGES) == 600


def test_calls_slow_down_before_a_share_is_used_up() -> None:
    budget = Budget("account")
    assert budget.stretched(Use.WATCHED, 1) == 1

    budget.spend(Use.WATCHED, Use.WATCHED.share * 3 // 4)

    assert budget.stretched(Use.WATCHED, 1) == 4


def calls(fake_api: FakeApi, target: Target | None) -> tuple[int, int]:
    """Return the number of calls that were counted and made."""
    assert target
    return Budget(target.account_id).used, len(fake_api.requests)


@pytest.mark.parametrize("action", ["pause", "restart", "delete"])
def test_actions_on_a_run_are_counted(fake_api: FakeApi, action: str) -> None:
    run = make_run()

    control.send_event(run, "go", {}, by=ADA)
    control.change(run, action, by=ADA)

    counted, sent = calls(fake_api, run.target)
    assert counted == sent > 2


def test_starts_are_counted(fake_api: FakeApi) -> None:
    live = live_deployment()

    control.trigger(live, {}, by=ADA)
    list(batch_work.start_in_chunks(live, read_lines(["{}"] * 101)))

    assert calls(fake_api, live.target) == (4, 4)


def test_bulk_changes_are_counted(fake_api: FakeApi) -> None:
    live = live_deployment()
    runs = [make_run(live) for _ in range(3)]
    confirmed = bulk_change.sign("pause", Filters(), [run.pk for run in runs])
    change = bulk_change.enqueue(confirmed, by=ADA, reason="")

    tasks.perform.func(change.pk)

    assert calls(fake_api, live.target) == (3, 3)


def test_looking_up_a_run_is_counted(fake_api: FakeApi) -> None:
    live = live_deployment()

    lookup.find_run(live, "not-indexed-yet")

    assert calls(fake_api, live.target) == (1, 1)
