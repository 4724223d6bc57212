"""A run as text, with the facts of Cloudflare's guide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from runs.detail.text_description import LONGEST_OUTPUT, describe, in_words
from runs.steps.step_reader import seconds_of

NOW = datetime(2024, 10, 15, 14, tzinfo=UTC)
STARTED, ENDED = "2024-10-15T13:55:31Z", "2024-10-15T13:56:32Z"
FAILED = {
    "start": STARTED,
    "end": STARTED,
    "success": False,
    "error": {"name": "Error", "message": "no"},
}
WORKED = {"start": ENDED, "end": ENDED, "success": True}


def step(name: str, **more: Any) -> dict[str, Any]:
    text = {"name": name, "type": "step", "start": STARTED, "end": ENDED, "success": True}
    return {**text, "output": None, "attempts": [WORKED], **more}


def run(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    text = {"status": "complete", "trigger": {"source": "api"}, "versionId": "v-1"}
    times = {"queued": STARTED, "start": STARTED, "end": ENDED, "success": True}
    return {**text, **times, "steps": list(steps), **more}


def lines(text: dict[str, Any]) -> list[str]:
    return describe("starter", "r-1", text, now=NOW).splitlines()


def test_the_head_has_the_facts_of_the_guide_in_its_order() -> None:
    assert lines(run(step("write-1")))[:12] == [
        "Workflow Name: starter",
        "Instance Id: r-1",
        "Version Id: v-1",
        "Status: Completed",
        "Trigger: API",
        "Queued: 2024-10-15 13:55:31 UTC",
        "Success: Yes",
        "Start: 2024-10-15 13:55:31 UTC",
        "End: 2024-10-15 13:56:32 UTC",
        "Duration: 1 minute",
        "Last Successful Step: write-1",
        "Steps:",
    ]


def test_a_step_shows_its_output_and_a_table_of_attempts() -> None:
    text = lines(run(step("write-1", attempts=[FAILED, WORKED])))[13:]

    assert text[:6] == [
        "  Name: write-1",
        "  Type: Step",
        "  Start: 2024-10-15 13:55:31 UTC",
        "  End: 2024-10-15 13:56:32 UTC",
        "  Duration: 1 minute",
        "  Success: Yes",
    ]
    assert text[6] == "  Output: null"
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text if "│" in line]
    assert cells[0] == ["Start", "End", "Duration", "State", "Error"]
    assert [row[3:] for row in cells[1:]] == [["Error", "Error: no"], ["Success", ""]]


def test_a_sleep_has_no_output_and_no_attempts() -> None:
    sleep = {"name": "pause-1", "type": "sleep", "start": STARTED, "end": ENDED}

    text = lines(run(sleep))

    assert "  Type: Sleeping" in text
    assert "Last Successful Step: pause-1" in text
    assert not [line for line in text if "Output" in line or "│" in line]


def test_an_open_sleep_shows_when_it_ends_and_is_not_the_last_success() -> None:
    sleep = {"name": "pause-1", "type": "sleep", "start": STARTED, "end": "2024-10-15T14:05:00Z"}

    text = lines(run(step("write-1"), sleep, status="waiting", success=None, end=None))

    assert "  Wakes: in 5 minutes" in text
    assert "Last Successful Step: write-1" in text


@pytest.mark.parametrize(
    ("backoff", "wait"), [("constant", 10), ("linear", 20), ("exponential", 20)]
)
def test_a_step_that_will_be_retried_shows_when(backoff: str, wait: int) -> None:
    retries = {"limit": 5, "delay": "10 seconds", "backoff": backoff}
    waiting = step(
        "call-1", success=None, end=None, attempts=[FAILED] * 2, config={"retries": retries}
    )

    text = lines(run(waiting, status="running", success=None, end=None))

    assert f"  Retries At: 2024-10-15 13:55:{31 + wait} UTC (in 4 minutes)" in text
    assert {"Status: Running", "  Success: Running", "Duration: 4 minutes"} <= set(text)
    assert "Success: Yes" not in text


def test_a_long_output_is_truncated_with_a_hint() -> None:
    text = "\n".join(lines(run(step("big-1", output="x" * (LONGEST_OUTPUT + 7)))))

    assert "[... 7 more characters; use --json to print them]" in text


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(milliseconds=400), "0 seconds"),
        (timedelta(milliseconds=500), "1 second"),
        (timedelta(seconds=61), "1 minute"),
        (timedelta(minutes=90), "2 hours"),
        (timedelta(hours=23), "23 hours"),
        (timedelta(days=29), "29 days"),
        (timedelta(days=45), "2 months"),
        (timedelta(days=800), "2 years"),
    ],
)
def test_durations_are_in_one_unit_as_in_wrangler(span: timedelta, words: str) -> None:
    assert in_words(span) == words


@pytest.mark.parametrize(
    ("span", "seconds"),
    [(1500, 1.5), ("5 seconds", 5), ("1 hour", 3600), ("2 day", 172_800), ("", None), ("x", None)],
)
def test_delays_are_read_in_milliseconds_or_words(span: Any, seconds: float | None) -> None:
    assert seconds_of(span) == seconds
