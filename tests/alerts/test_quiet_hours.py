"""When messages are held back."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from alerts.quiet_hours import QuietHours


def quiet(start: str, end: str, zone: str = "UTC") -> QuietHours:
    return QuietHours(start=time.fromisoformat(start), end=time.fromisoformat(end), zone=zone)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("08:59", False), ("09:00", True), ("16:59", True), ("17:00", False)],
)
def test_they_include_their_start_and_not_their_end(clock: str, expected: bool) -> None:  # noqa: FBT001
    assert quiet("09:00", "17:00").include(moment(f"2026-05-01T{clock}")) is expected


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("21:59", False),
        ("22:00", True),
        ("23:59:59", True),
        ("00:00", True),
        ("06:59", True),
        ("07:00", False),
        ("12:00", False),
    ],
)
def test_they_may_include_midnight(clock: str, expected: bool) -> None:  # noqa: FBT001
    assert quiet("22:00", "07:00").include(moment(f"2026-05-01T{clock}")) is expected


def test_they_follow_the_clock_of_their_time_zone() -> None:
    berlin, new_york = (
        quiet("22:00", "07:00", zone) for zone in ("Europe/Berlin", "America/New_York")
    )

    assert berlin.include(moment("2026-07-01T20:30"))  # 22:30 in Berlin
    assert not new_york.include(moment("2026-07-01T20:30"))  # 16:30 in New York


def test_they_end_an_hour_earlier_when_the_clock_is_set_forward() -> None:
    """On 29 March 2026 in Berlin, 02:00 becomes 03:00, so 07:00 is at 05:00 UTC instead of 06:00."""
    berlin = quiet("22:00", "07:00", "Europe/Berlin")

    assert berlin.include(moment("2026-03-28T05:59"))
    assert not berlin.include(moment("2026-03-28T06:00"))
    assert berlin.include(moment("2026-03-29T04:59"))
    assert not berlin.include(moment("2026-03-29T05:00"))


def test_an_hour_that_happens_twice_is_quiet_twice_and_one_that_is_skipped_never() -> None:
    """On 25 October 2026 in Berlin, 03:00 becomes 02:00 again, at 01:00 UTC."""
    berlin = quiet("02:00", "03:00", "Europe/Berlin")

    assert berlin.include(moment("2026-10-25T00:30"))
    assert berlin.include(moment("2026-10-25T01:30"))
    assert not berlin.include(moment("2026-10-25T02:00"))
    assert not any(berlin.include(moment(f"2026-03-29T00:{minute}")) for minute in (30, 59))
    assert not berlin.include(moment("2026-03-29T01:00"))
