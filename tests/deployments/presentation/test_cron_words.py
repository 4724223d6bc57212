"""Cron expressions in words, and the times at which they fire by Cloudflare's reading."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from deployments.presentation.cron_words import Schedule, describe_cron

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # a Wednesday


def told(expression: str) -> Schedule:
    found = describe_cron(expression, NOW)
    assert found
    return found


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "every hour, at minute 5"),
        ("0 */6 * * *", "every 6 hours, at minute 0"),
        ("0 8 * * *", "every day at 08:00 UTC"),
        ("30 8 * * MON", "every Monday at 08:30 UTC"),
        ("30 8 * * mon,fri", "every Monday and Friday at 08:30 UTC"),
        ("0 8 * * 2-6", "Monday to Friday at 08:00 UTC"),
        ("0 0 1 * *", "on day 1 of every month at 00:00 UTC"),
        ("0 0 L * *", "on the last day of every month at 00:00 UTC"),
    ],
)
def test_what_is_simple_is_said_in_words(expression: str, words: str) -> None:
    assert told(expression).words == words


@pytest.mark.parametrize(
    "expression", ["*/7 * * * *", "0 8 1 * MON", "0 8 * 1 *", "0,30 8 * * *", "0 18 * * 6L"]
)
def test_what_is_not_simple_is_told_by_its_next_time_alone(expression: str) -> None:
    assert told(expression).words == ""
    assert told(expression).next


@pytest.mark.parametrize(
    ("expression", "moment"),
    [
        ("* * * * *", "2026-11-25T23:31"),
        ("30 23 * * *", "2026-11-26T23:30"),
        ("0 22-2 * * *", "2026-11-26T00:00"),
        ("0 8 * * 1", "2026-11-29T08:00"),
        ("0 18 * * 6L", "2026-11-27T18:00"),
        ("0 0 * * 2#1", "2026-12-07T00:00"),
        ("0 0 L-3 * *", "2026-11-27T00:00"),
        ("0 0 LW 1 *", "2027-01-29T00:00"),
        ("0 0 16W 1 *", "2027-01-15T00:00"),
        ("0 0 1 * SAT", "2026-11-28T00:00"),
        ("0 0 29 2 *", "2028-02-29T00:00"),
    ],
)
def test_the_next_time_follows_cloudflares_reading(expression: str, moment: str) -> None:
    assert told(expression).next == datetime.fromisoformat(moment).replace(tzinfo=UTC)


def test_a_day_that_does_not_exist_never_comes() -> None:
    assert told("0 0 30 2 *").next is None


def test_what_cloudflare_refuses_means_nothing() -> None:
    assert describe_cron("0 8 * * 0", NOW) is None
