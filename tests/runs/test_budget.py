"""The calls of an account: counted together, each use with a share of its own."""

from __future__ import annotations

import pytest

from runs.budget import MOST, WINDOW, Budget, Use

pytestmark = pytest.mark.django_db


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_calls_of_all_processes_and_targets_of_an_account_are_counted_together() -> None:
    Budget("account").spend(Use.READS)
    Budget("account").spend(Use.PAGES, 3)
    Budget("another").spend(Use.READS)

    assert Budget("account").used == 4


def test_calls_that_left_the_window_are_forgotten() -> None:
    clock = Clock()
    budget = Budget("account", clock)
    budget.spend(Use.READS, 7)
    clock.now += WINDOW
    assert budget.used == 7

    clock.now += 60

    assert budget.used == 0


def test_one_use_does_not_take_the_share_of_another() -> None:
    budget = Budget("account")

    budget.spend(Use.WATCHED, Use.WATCHED.share)

    assert not budget.allows(Use.WATCHED)
    assert budget.allows(Use.LISTS)


def test_the_poller_rests_where_pages_have_used_what_cloudflare_allows() -> None:
    budget = Budget("account")

    budget.spend(Use.PAGES, MOST)

    assert not budget.allows(Use.LISTS)


def test_the_poller_takes_at_most_half_of_what_cloudflare_allows() -> None:
    assert sum(use.share for use in Use if use is not Use.PAGES) == 600


def test_calls_become_rarer_before_a_share_is_used_up() -> None:
    budget = Budget("account")
    assert budget.stretched(Use.WATCHED, 1) == 1

    budget.spend(Use.WATCHED, Use.WATCHED.share * 3 // 4)

    assert budget.stretched(Use.WATCHED, 1) == 4
