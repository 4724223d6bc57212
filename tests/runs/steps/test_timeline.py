"""The timeline of steps in the format of Cloudflare's API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from runs.steps.step_reader import Step, parse_occurrence, read_steps, retry_at
from runs.steps.timeline import PER_PAGE, Timeline, page_of, timeline
from tests.runs.examples import START, attempted_step, waiting_step
from tests.support.work import counted


def steps(*raw: Any, is_over: bool = False) -> tuple[Step, ...]:
    return read_steps({"steps": list(raw)}, is_over=is_over)


def make_timeline(*raw: Any, now: float = 10) -> Timeline:
    return timeline(steps(*raw), page=1, now=START + timedelta(seconds=now))


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (0.002, ("0 ms", "", "1 ms", "2 ms", "")),
        (1.2, ("0 ms", "300 ms", "600 ms", "900 ms", "1,200 ms")),
        (8, ("0 ms", "2.0 s", "4.0 s", "6.0 s", "8.0 s")),
        (240, ("0 ms", "1 m 00 s", "2 m 00 s", "3 m 00 s", "4 m 00 s")),
    ],
)
def test_the_marks_of_a_short_run_are_in_milliseconds_and_never_repeated(
    seconds: float, marks: tuple[str, ...]
) -> None:
    step = waiting_step(end=seconds, finished=True)
    page = timeline(steps(step, is_over=True), page=1, now=START + timedelta(seconds=600))

    assert page.seconds == pytest.approx(seconds)
    assert page.marks == marks


def test_a_retried_step_has_a_bar_for_each_attempt_and_pause() -> None:
    (row,) = make_timeline(attempted_step((0, 2, False), (6, 10, True))).rows

    bars = [(bar.kind, bar.left, bar.width) for bar in row.bars]
    assert bars == [("failed", 0, 20), ("pause", 20, 40), ("done", 60, 40)]
    assert row.bars[0].title == "Attempt 1: Failed · Error: busy"


def test_an_open_step_ends_now_and_leaves_room_ahead() -> None:
    (row,) = make_timeline(attempted_step((0, 0, None))).rows

    assert row.step.state == "running"
    (bar,) = row.bars
    assert 80 < bar.width < 90
    assert bar.is_open


def test_only_the_time_of_an_unfinished_step_continues() -> None:
    raw = (attempted_step((0, 5, True)), waiting_step("sleep", start=5, end=3600))

    running, over = make_timeline(*raw), make_timeline(raw[0])

    done, asleep = running.rows
    assert [bar.is_open for row in (done, asleep) for bar in row.bars] == [False, True]
    assert (done.elapsed, asleep.elapsed) == (None, 5)
    assert (running.now, running.is_growing, over.is_growing) == (10, True, False)


def test_a_row_names_the_type_of_its_node() -> None:
    shown = steps(attempted_step((0, 1, True)), attempted_step((0, 1, True)))

    rows = timeline(shown, page=1, now=START, kinds={1: "HTTP request"}).rows

    assert [row.kind for row in rows] == ["HTTP request", "Step"]


def test_a_long_sleep_does_not_hide_earlier_steps() -> None:
    done, sleeping = make_timeline(
        attempted_step((0, 5, True)), waiting_step("sleep", start=5, end=86_400 * 365), now=10
    ).rows

    assert sleeping.step.state == "sleeping"
    assert done.bars[0].width > 30


def test_a_very_short_step_has_a_visible_bar() -> None:
    quick, _ = make_timeline(attempted_step((0, 0.001, True)), attempted_step((0, 3600, True))).rows

    assert quick.bars[0].width == 0.4


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (attempted_step((0, 1, False)), "retrying"),
        (attempted_step((0, 1, False), success=False), "failed"),
        (waiting_step(), "waiting"),
        (waiting_step(finished=True), "done"),
        (waiting_step(finished=True, error={"name": "Error", "message": "timed out"}), "failed"),
        ({"type": "termination", "trigger": {}}, "done"),
        ({"name": "new-1", "type": "something new"}, "done"),
    ],
)
def test_a_step_has_a_state(raw: Any, state: str) -> None:
    (step,) = steps(raw)

    assert step.state == state


def test_open_steps_of_an_ended_run_are_stopped() -> None:
    (step,) = steps(waiting_step(), is_over=True)

    assert step.state == "stopped"


@pytest.mark.parametrize(
    ("name", "label"), [("charge-1", "charge"), ("charge-12", "charge #12"), ("odd", "odd")]
)
def test_a_label_has_a_counter_from_the_second_occurrence_on(name: str, label: str) -> None:
    (step,) = steps(attempted_step((0, 1, True), name=name))

    assert step.label == label


@pytest.mark.parametrize(
    ("raw_name", "name", "occurrence"),
    [
        ("charge-1", "charge", ("charge", 1)),
        ("charge-2", "charge #2", ("charge", 2)),
        ("charge #2-1", "charge #2 #1", ("charge #2", 1)),
        ("charge #2-3", "charge #2 #3", ("charge #2", 3)),
    ],
)
def test_a_restart_can_start_at_any_occurrence(
    raw_name: str, name: str, occurrence: tuple[str, int]
) -> None:
    (step,) = steps(attempted_step((0, 1, True), name=raw_name))

    assert step.restart_name == name
    assert parse_occurrence(name) == occurrence


@pytest.mark.parametrize(
    ("backoff", "seconds"), [("exponential", 2 + 6), ("linear", 2 + 6), ("constant", 2 + 3)]
)
def test_the_next_attempt_is_due_after_the_retry_delay(backoff: str, seconds: float) -> None:
    config = {"retries": {"delay": "3 seconds", "backoff": backoff, "limit": 5}}
    (step,) = steps(attempted_step((0, 1, False), (1.5, 2, False), config=config))

    assert retry_at(step) == START + timedelta(seconds=seconds)


@pytest.mark.parametrize("odd", [None, [], {"steps": 5}, {"steps": [None, 5, {"start": "x"}]}])
def test_malformed_steps_can_be_drawn(odd: Any) -> None:
    raw = odd if isinstance(odd, dict) else {"steps": odd}

    shown = timeline(read_steps(raw, is_over=False), page=7, now=START)

    assert shown.page == 1


def test_ten_thousand_steps_are_paginated_in_linear_time() -> None:
    many = steps(*(attempted_step((n, n + 1, True), name=f"work-{n}") for n in range(10_000)))

    shown, calls = counted(lambda: timeline(many, page=2, now=START))

    assert calls < 50 * 10_000
    assert (len(shown.rows), shown.pages, shown.total) == (PER_PAGE, 34, 10_000)
    assert shown.rows[0].step.number == PER_PAGE + 1
    assert page_of(10_000) == 34
