"""The step that a user means with --from."""

from __future__ import annotations

import pytest

from runs.steps.start_points import StartPoint, find_start_point
from runs.steps.step_reader import Step, read_steps
from tests.runs.examples import attempted_step


def steps(*raw_names: str) -> tuple[Step, ...]:
    raw = [attempted_step((0, 1, True), name=name) for name in raw_names]
    return read_steps({"steps": raw}, is_over=True)


@pytest.mark.parametrize(
    ("text", "raw_names", "name", "occurrence"),
    [
        ("Call", ["Call-1", "Call-2"], "Call", 1),
        ("Call #2", ["Call-1", "Call-2"], "Call", 2),
        ("Call #2", ["Call #2-1"], "Call #2", 1),
        ("Call #2", ["Call-1", "Call-2", "Call #2-1"], "Call #2", 1),
        ("Call #2 #2", ["Call-1", "Call #2-1", "Call #2-2"], "Call #2", 2),
        ("Call #2 #1", ["Call #2-1"], "Call #2", 1),
        ("Call #1", ["Call-1"], "Call", 1),
        ("Call #2", [], "Call", 2),
    ],
)
def test_an_exact_name_comes_before_an_occurrence(
    text: str, raw_names: list[str], name: str, occurrence: int
) -> None:
    found = find_start_point(text, steps(*raw_names))

    assert found
    assert (found.name, found.occurrence) == (name, occurrence)


@pytest.mark.parametrize("text", ["Cal", "Call #3", "Call #2", "Call-1"])
def test_a_step_that_does_not_exist_is_not_found(text: str) -> None:
    assert find_start_point(text, steps("Call-1")) is None


def test_a_text_with_two_meanings_comes_with_the_way_to_the_other() -> None:
    found = find_start_point("Call #2", steps("Call-1", "Call-2", "Call #2-1"))

    assert found
    assert "use --from 'Call' --occurrence 2" in found.note


def test_a_text_with_one_meaning_has_no_note() -> None:
    for names in (["Call-1", "Call-2"], ["Call #2-1"], ["Call-1", "Call #2-1"]):
        found = find_start_point("Call #2", steps(*names))
        assert found
        assert found.note == ""


@pytest.mark.parametrize("raw_name", ["Call-1", "Call-2", "Call #2-1", "Call #2-3"])
def test_the_link_of_a_step_leads_to_this_step(raw_name: str) -> None:
    (step,) = steps(raw_name)
    name, _, count = raw_name.rpartition("-")

    expected = StartPoint(name=name, occurrence=int(count))
    assert StartPoint.of_restart_name(step.restart_name) == expected
