"""Descriptions of cron expressions, and their next run as Cloudflare reads them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workflows.cron_words import Schedule, describe_cron

NOW = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # a Wednesday


def schedule(expression: str) -> Schedule:
    found = describe_cron(expression, NOW)
    assert found
    return found


@pytest.mark.parametrize(
    ("expression", "description"),
    [
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5 * * * *", "at 5 minutes past the hour"),
        ("0 */6 * * *", "every 6 hours, every day"),
        ("0 8 * * *", "at 08:00, every day (UTC)"),
        ("30 8 * * MON", "at 08:30, only on Monday (UTC)"),
        ("30 8 * * mon,fri", "at 08:30, only on Monday and Friday (UTC)"),
        ("0 8 * * 2-6", "at 08:00, Monday through Friday (UTC)"),
        ("0 8 * * 1", "at 08:00, only on Sunday (UTC)"),
        ("0 8 * * L", "at 08:00, only on Saturday (UTC)"),
        ("0 0 1 * *", "at 00:00, on day 1 of the month (UTC)"),
        ("0 0 L * *", "at 00:00, on the last day of the month (UTC)"),
        ("0 8 1 * MON", "at 08:00, on day 1 of the month, or on Monday (UTC)"),
        ("0 8 * 1 *", "at 08:00, every day, only in January (UTC)"),
        ("0 18 * * 6L", "at 18:00, on the last Friday of the month (UTC)"),
        ("0 18 * * 2#1", "at 18:00, on the first Monday of the month (UTC)"),
    ],
)
def test_an_expression_has_a_description(expression: str, description: str) -> None:
    assert schedule(expression).description == description


@pytest.mark.parametrize("expression", ["*/7 * * * *", "0 */5 * * *", "0 0 L-3W * *"])
def test_without_an_exact_description_only_the_next_run_is_shown(expression: str) -> None:
    assert schedule(expression).description == ""
    assert schedule(expression).next_run


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
def test_the_next_run_follows_cloudflares_reading(expression: str, moment: str) -> None:
    expected = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    assert schedule(expression).next_run == expected


def test_a_day_that_does_not_exist_has_no_next_run() -> None:
    found = schedule("0 0 30 2 *")

    assert (found.description, found.next_run) == ("", None)


def test_an_expression_that_cloudflare_refuses_has_no_schedule() -> None:
    assert describe_cron("0 8 * * 0", NOW) is None
