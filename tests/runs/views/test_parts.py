"""Parts of the pages of runs: JSON trees, the summary of a run, answers to waits."""

from __future__ import annotations

from typing import Any

import pytest

from runs.detail.json_tree import read_json, tree
from runs.detail.summary import Summary, shortcuts_of, summarize
from runs.index.listing import Filters
from runs.presentation import filter_words
from runs.steps.step_reader import read_steps
from tests.runs.examples import attempted_step, waiting_step
from tests.support.work import counted
from toolchain.redaction import redact_json

NASTY = '"><script>alert(1)</script>'


def summary_of(*steps: Any, errored: bool = False, **data: Any) -> Summary:
    parsed = read_steps({"steps": list(steps)}, is_over=errored)
    return summarize(parsed, dict.fromkeys(range(1, 20), data), errored=errored)


@pytest.mark.parametrize("value", [NASTY, {NASTY: 1}, [{"a": [NASTY]}], {"a": {NASTY: NASTY}}])
def test_a_tree_escapes_all_texts(value: Any) -> None:
    assert "<script" not in tree(value)


def test_a_large_value_is_truncated_in_linear_time() -> None:
    value = [{"number": number} for number in range(100_000)]

    html, calls = counted(lambda: tree(value))

    assert calls < 2 * 100_000
    assert len(html) < 500_000
    assert "more</li>" in html


def test_a_deep_tree_continues_as_text() -> None:
    value: Any = "the end"
    for _ in range(200):
        value = [value]

    assert "the end" in tree(value)


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": 1}', {"a": 1}), ("plain", "plain"), (None, None), ("[" * 9999, 0)]
)
def test_an_output_is_parsed_if_it_is_json(text: Any, value: Any) -> None:
    assert read_json(text) == (value if value != 0 else text)


def test_the_last_failed_step_comes_first_in_a_failed_run() -> None:
    failed = attempted_step((1, 2, False), name="pay-1", success=False)

    summary = summary_of(attempted_step((0, 1, True)), failed, errored=True)

    assert summary.failed
    assert (summary.failed.label, summary.main_step) == ("pay", summary.failed)


def test_a_caught_failure_is_not_the_step_that_failed_the_run() -> None:
    summary = summary_of(attempted_step((0, 1, False), success=False), waiting_step())

    assert summary.failed is None
    assert [step.label for step in summary.failures] == ["charge"]
    assert summary.main_step
    assert summary.main_step.kind == "waitForEvent"


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
def test_a_schema_gives_buttons_for_its_values(schema: Any, labels: list[str]) -> None:
    assert [shortcut.label for shortcut in shortcuts_of({"schema": schema})] == labels


def test_a_button_sends_its_payload_as_json() -> None:
    (wait,) = summary_of(
        waiting_step(), schema={"properties": {"approved": {"type": "boolean"}}}
    ).waits

    assert [shortcut.text for shortcut in wait.shortcuts] == [
        '{"approved": true}',
        '{"approved": false}',
    ]


def test_filters_are_described_in_words() -> None:
    filters = Filters(status="errored,waiting", trigger="cron", q="teapot", id="or")

    words = filter_words(filters, "Orders")

    assert words == (
        "errored or waiting runs of Orders, started by Cron, with an id starting with or, "
        "with “teapot” in the payload, output or error"
    )


def test_secrets_are_masked_at_any_depth() -> None:
    data = {"steps": [{"output": "the-secret!", "n": 1}], "params": {"a": ["the-secret!"]}}

    assert "the-secret!" not in str(redact_json(data, ["the-secret!"]))
