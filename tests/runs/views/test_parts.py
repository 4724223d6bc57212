"""What pages of runs are made of: trees of JSON, what a person needs first, answers to waits."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import pytest

from runs.detail.json_tree import read_json, tree
from runs.detail.summary import Summary, shortcuts_of, summarize
from runs.index.listing import Filters
from runs.presentation import filter_words
from runs.steps.step_reader import read_steps
from targets.cloudflare.redaction import redact_json
from tests.runs.examples import tried, waits

NASTY = '"><script>alert(1)</script>'


def summed(*told: Any, errored: bool = False, **data: Any) -> Summary:
    steps = read_steps({"steps": list(told)}, is_over=errored)
    return summarize(steps, dict.fromkeys(range(1, 20), data), errored=errored)


@pytest.mark.parametrize("value", [NASTY, {NASTY: 1}, [{"a": [NASTY]}], {"a": {NASTY: NASTY}}])
def test_a_tree_escapes_whatever_is_in_it(value: Any) -> None:
    assert "<script" not in tree(value)


def test_a_tree_of_a_large_value_shows_its_first_part_quickly() -> None:
    began = perf_counter()

    html = tree([{"number": number} for number in range(100_000)])

    assert perf_counter() - began < 1
    assert len(html) < 500_000
    assert "more</li>" in html


def test_a_tree_that_is_deep_goes_on_as_text() -> None:
    value: Any = "the end"
    for _ in range(200):
        value = [value]

    assert "the end" in tree(value)


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": 1}', {"a": 1}), ("plain", "plain"), (None, None), ("[" * 9999, 0)]
)
def test_an_output_is_read_as_the_json_that_it_is(text: Any, value: Any) -> None:
    assert read_json(text) == (value if value != 0 else text)


def test_what_failed_last_is_told_first_in_a_run_that_failed() -> None:
    failed = tried((1, 2, False), name="pay-1", success=False)

    told = summed(tried((0, 1, True)), failed, errored=True)

    assert told.failed
    assert (told.failed.label, told.main_step) == ("pay", told.failed)


def test_a_failure_that_was_caught_does_not_end_a_run() -> None:
    told = summed(tried((0, 1, False), success=False), waits())

    assert told.failed is None
    assert [step.label for step in told.failures] == ["charge"]
    assert told.main_step
    assert told.main_step.kind == "waitForEvent"


@pytest.mark.parametrize(
    ("schema", "labels"),
    [
        ({"enum": ["yes", "no"]}, ["yes", "no"]),
        ({"properties": {"approved": {"type": "boolean"}}}, ["Approve", "Reject"]),
        ({"properties": {"size": {"enum": [1, 2]}}}, ["size: 1", "size: 2"]),
        ({"properties": 5}, []),
        ("odd", []),
    ],
)
def test_a_schema_gives_buttons_for_its_answers(schema: Any, labels: list[str]) -> None:
    assert [one.label for one in shortcuts_of({"schema": schema})] == labels


def test_an_answer_is_the_payload_as_json() -> None:
    (wait,) = summed(waits(), schema={"properties": {"approved": {"type": "boolean"}}}).waits

    assert [one.text for one in wait.shortcuts] == ['{"approved": true}', '{"approved": false}']


def test_a_filter_is_said_in_words() -> None:
    filters = Filters(status="errored,waiting", trigger="cron", q="teapot", id="or")

    words = filter_words(filters, "Orders")

    assert words == (
        "errored or waiting runs of Orders, started by Cron, with an id starting with or, "
        "with “teapot” in the payload, output or error"
    )


def test_secrets_are_hidden_wherever_they_stand() -> None:
    told = {"steps": [{"output": "the-secret!", "n": 1}], "params": {"a": ["the-secret!"]}}

    assert "the-secret!" not in str(redact_json(told, ["the-secret!"]))
