"""Trace events as log lines, and how lines are filtered."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from runs.logs.log_lines import MAX_LINE, Line, LineFilter, log_lines
from toolchain.redaction import redact

AT = 1_790_000_000_000


def trace(**fields: Any) -> dict[str, Any]:
    event = {"request": {"method": "GET", "url": "https://worker.example/x"}}
    return {"outcome": "ok", "eventTimestamp": AT, "event": event, **fields}


def parsed(**fields: Any) -> list[tuple[str, str]]:
    return [(line.level, line.text) for line in log_lines(trace(**fields))]


def test_the_event_comes_first_with_its_outcome() -> None:
    (first,) = log_lines(trace())

    assert (first.level, first.text, first.outcome) == (
        "event",
        "GET https://worker.example/x",
        "ok",
    )
    assert first.at == "2026-09-21T14:13:20.000+00:00"


def test_arguments_are_joined_as_in_a_console() -> None:
    logs = [{"level": "warn", "timestamp": AT, "message": ["slow:", {"ms": 12}, 3, None]}]

    assert parsed(logs=logs)[1] == ("warn", 'slow: {"ms": 12} 3 null')


def test_an_exception_includes_its_stack() -> None:
    thrown = [
        {"name": "TypeError", "message": "no x", "stack": "at run (worker.js:1)", "timestamp": AT}
    ]

    assert parsed(exceptions=thrown)[1] == ("error", "TypeError: no x\nat run (worker.js:1)")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        ({"cron": "1 1 * * *", "scheduledTime": AT}, "schedule 1 1 * * *"),
        ({"queue": "jobs", "batchSize": 3}, "queue jobs, 3 messages"),
        ({"rpcMethod": "run"}, "call of run"),
        (None, "invocation"),
        ("odd", "invocation"),
    ],
)
def test_every_event_has_a_description(event: Any, words: str) -> None:
    assert parsed(event=event)[0][1] == words


def test_invalid_values_of_a_trace_are_accepted() -> None:
    odd = {"logs": [{"level": "shout", "message": "x" * (2 * MAX_LINE)}], "eventTimestamp": "soon"}

    _, log = log_lines(odd)

    assert (log.level, len(log.text)) == ("log", MAX_LINE)


@pytest.mark.parametrize(
    ("message", "matches"),
    [
        ({}, True),
        ({"level": "error"}, False),
        ({"level": "warn", "text": "SLOW"}, True),
        ({"text": "fast"}, False),
        ({"level": ["odd"], "text": None}, True),
    ],
)
def test_a_filter_matches_by_level_and_text(message: dict[str, Any], matches: bool) -> None:  # noqa: FBT001
    assert LineFilter.of(message).matches(Line(at="", level="warn", text="a slow call")) is matches


def test_secrets_are_masked_before_a_line_is_truncated() -> None:
    secret = "sentinel-of-logs"
    logs = [{"level": "log", "message": "x" * (MAX_LINE - 8) + secret}]

    _, log = log_lines(trace(logs=logs), hide=lambda text: redact(text, [secret]))

    assert log.text.endswith("x•••")


def test_missing_lines_are_reported() -> None:
    (line,) = log_lines({"event": {"type": "overload", "message": "Too much is logged."}})

    assert (line.level, line.text, line.outcome) == ("warn", "Too much is logged.", "overload")


@pytest.mark.parametrize(
    "odd",
    [
        {"logs": "text", "exceptions": 5},
        {"logs": [None, "x", {"message": None, "timestamp": 1e300}]},
        {"eventTimestamp": float("nan"), "exceptions": [{"stack": ["at"]}]},
    ],
)
def test_malformed_traces_are_accepted(odd: dict[str, Any]) -> None:
    assert list(log_lines(odd))


def test_an_open_call_has_no_outcome_yet() -> None:
    (first,) = log_lines(trace(open=True))

    assert first.outcome == ""


def test_times_are_in_the_time_zone_of_all_pages() -> None:
    trace = {"eventTimestamp": 1_789_999_200_000, "event": {"cron": "* * * * *"}}

    with timezone.override("Asia/Tokyo"):
        (line,) = log_lines(trace)

    assert line.at == "2026-09-21T23:00:00.000+09:00"
