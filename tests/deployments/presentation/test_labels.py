"""Labels, times, and texts with numbered lines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from deployments.models import Deployment
from deployments.pipeline.stages import Stage, Status
from deployments.presentation import dashboard, labels
from deployments.presentation.remote_outcome_text import describe_remote_outcome
from targets.cloudflare.errors import Cause
from web import formatting, numbered_lines

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (0.0999, "0.1 s"),
        (1.44, "1.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (125, "2 m 05 s"),
        (3599.6, "1 h 00 m"),
        (3720, "1 h 02 m"),
        (172_799, "48 h 00 m"),
        (7 * 86_400 - 60, "7 d 0 h"),
        (7 * 86_400 - 3_600, "6 d 23 h"),
    ],
)
def test_durations(seconds: float | None, words: str) -> None:
    assert formatting.duration(seconds) == words
    if seconds is not None:
        assert formatting.duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (44, "just now"),
        (60, "1 min ago"),
        (3 * 60, "3 min ago"),
        (5 * 3600, "5 h ago"),
        (86_400, "1 day ago"),
        (3 * 86_400, "3 days ago"),
    ],
)
def test_relative_times(seconds: int, words: str) -> None:
    assert formatting.ago(NOON - timedelta(seconds=seconds), NOON) == words


def test_every_status_has_a_tone() -> None:
    assert set(labels.TONES) == set(Status)


def test_the_typical_time_is_the_median() -> None:
    times = [("a", NOON, NOON + timedelta(seconds=seconds)) for seconds in (1, 2, 90)]

    assert dashboard._medians(times) == {"a": 2}
    assert dashboard._medians([]) == {}


def test_terminal_control_codes_are_removed() -> None:
    text = "\x1b[1mbold\x1b[0m\r\n10 %\r20 %\r30 %\nbell\x07\n\n"

    assert numbered_lines.lines(text) == ["bold", "30 %", "bell\N{REPLACEMENT CHARACTER}"]


def test_long_lines_and_long_texts_are_truncated() -> None:
    assert numbered_lines.lines("x" * 3_000)[0].endswith("… (1000 more characters)")
    assert "7 more lines are not shown" in numbered_lines.listing("x\n" * 5_006 + "x", "a")


def test_every_stage_has_advice() -> None:
    assert set(labels._BY_STAGE) <= set(Stage)


def test_every_known_cause_has_advice() -> None:
    assert set(labels._BY_CAUSE) == set(Cause) - {Cause.OTHER}


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("deploy", "Snapshot of #12"),
        ("rollback", "Rollback to #12"),
        ("retry", "Retry of #12"),
        ("delete_secrets", "Deletion of secrets"),
        ("takedown", "Takedown"),
    ],
)
def test_actions_have_a_summary(action: str, words: str) -> None:
    assert Deployment(action=action, about_id=12).action_summary == words


def test_a_plain_deploy_has_no_summary() -> None:
    assert Deployment().action_summary == ""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"status": "failed"}, "Nothing was uploaded to the target."),
        ({"status": "cancelled", "uploaded": "yes", "live_version": "v2"}, "version v2 is live"),
        ({"status": "cancelled", "uploaded": "yes"}, "cancelled after the upload had started"),
        (
            {"status": "cancelled", "stage": "DEPLOYING"},
            "the upload, which did not complete: no version is",
        ),
        (
            {"status": "cancelled", "stage": "DEPLOYING", "live_before": "v1"},
            "did not complete: the version that was live before is still live.",
        ),
        (
            {
                "status": "cancelled",
                "stage": "DEPLOYING",
                "action": "rollback",
                "live_before": "v1",
            },
            "the change, which did not complete: the version that was live before is still live.",
        ),
        ({"action": "rollback", "live_before": "v1"}, "Nothing was changed: the version"),
        ({"action": "takedown", "stage": "INITIALIZING"}, "Nothing was removed"),
        ({"action": "takedown", "stage": "UPDATING_WORKFLOW"}, "may still exist"),
        ({"action": "delete_secrets", "stage": "INITIALIZING"}, "No secret was deleted"),
        ({"action": "takedown", "uploaded": "unknown"}, "could not find out"),
    ],
)
def test_the_remote_outcome_of_every_action_is_described(
    fields: dict[str, str], words: str
) -> None:
    assert words in describe_remote_outcome(Deployment(**{"status": "failed", **fields}))


@pytest.mark.parametrize(
    ("live_before", "left"), [("", ""), ("v1", "The version that was live before is still live.")]
)
def test_the_remote_outcome_does_not_repeat_the_message(live_before: str, left: str) -> None:
    message = "The target is not ready for this deployment. Nothing was uploaded: no zone."
    ended = Deployment(status="failed", message=message, live_before=live_before)

    assert describe_remote_outcome(ended) == left
