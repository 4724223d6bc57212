"""Durations, timeouts, dates and event types that come from data are checked in the run."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, run_all
from workflows.ir.reading.durations import milliseconds

RULE = "must be a number of milliseconds"
NO_DURATIONS = [
    "2 fortnights", "soon", "", "5000", "-1 second", "1.5 hours", "400 days", True, None, {"a": 1},
    [1000], -1, 1.5, 31_536_000_001, "٣ seconds", " 2 hours",
]  # fmt: skip


def _caught(waiting: dict[str, Any]) -> Document:
    """Return a document that catches the error of one node, and returns its message."""
    return document(
        [
            node("guard", "try_catch"), waiting, node("after", code="return 'waited';"),
            node("caught", code="return err.message;"),
        ],
        f"guard {waiting['id']} try", f"{waiting['id']} after", "guard caught catch",
    )  # fmt: skip


def messages(folder: Path, workflow: Document, values: list[Any]) -> list[Any]:
    """Return the output of a run for each value in the payload."""
    runs = [Run(workflow="Computed", params={"value": value}) for value in values]
    results = run_all(compiled({"Computed": workflow}, folder), runs)
    assert all(run["status"] == "complete" for run in results), results
    assert all(len([name for name in names(run) if name == "x"]) <= 1 for run in results)
    return [run["output"] for run in results]


NODES = {
    "sleep": (node("x", "sleep", name="Nap", duration="{{ trigger.value }}"), "duration"),
    "wait": (
        node("x", "wait_for_event", name="Nap", eventType="go", timeout="{{ trigger.value }}"),
        "timeout",
    ),
    "step timeout": (node("x", name="Nap", timeout="{{ trigger.value }}"), "timeout"),
    "retry delay": (node("x", name="Nap", retryDelay="{{ trigger.value }}"), "retryDelay"),
    "child": (
        node("x", "sub_workflow", name="Nap", workflowId="c", timeout="{{ trigger.value }}"),
        "timeout",
    ),
    "race": (node("x", "race", name="Nap", timeout="{{ trigger.value }}", retryLimit=1), "timeout"),
}


@pytest.mark.parametrize("kind", NODES)
def test_an_invalid_duration_is_an_error_that_names_node_and_value(
    kind: str, tmp_path: Path
) -> None:
    waiting, setting = NODES[kind]
    workflow = _caught(waiting)
    if kind == "race":
        workflow["nodes"].append(node("arm"))
        workflow["edges"] += [{"id": "arm", "source": "x", "target": "arm", "label": "arm"}]
        workflow["edges"][1]["label"] = "then"

    said = messages(tmp_path, workflow, NO_DURATIONS)

    shown = ['"2 fortnights"', '"soon"', '""', '"5000"', '"-1 second"', '"1.5 hours"', '"400 days"',
             "true", "null", '{"a":1}', "[1000]", "-1", "1.5", "31536000001", '"٣ seconds"',
             '" 2 hours"']  # fmt: skip
    for message, value in zip(said, shown, strict=True):
        assert message.startswith(f'"Nap": {setting} {RULE}'), message
        assert message.endswith(f"not {value}"), message


@pytest.mark.long
def test_a_valid_duration_is_waited_for(tmp_path: Path) -> None:
    sleep = node("x", "sleep", duration="{{ trigger.value }}")

    assert messages(tmp_path, _caught(sleep), [0, 5, "0 seconds"]) == ["waited"] * 3


@pytest.mark.long
def test_a_timeout_of_zero_is_an_error(tmp_path: Path) -> None:
    waiting = node("x", "wait_for_event", eventType="go", timeout="{{ trigger.value }}")

    said = messages(tmp_path, _caught(waiting), [0, "0 days"])

    assert said == ['"x": timeout must be longer than 0'] * 2


def test_an_invalid_event_type_is_an_error(tmp_path: Path) -> None:
    waiting = node("x", "wait_for_event", eventType="{{ trigger.value }}", timeout="1 second")

    said = messages(tmp_path, _caught(waiting), [None, "", "a b", "ä", "a" * 101, 5, {"a": 1}])

    assert all(message.startswith('"x": eventType must be 1-100') for message in said), said
    assert said[5].endswith("not 5")


# JavaScript guesses dates in these.
NO_DATES = [
    "order 7", "soon 5", "12/25", "9", "-1", "2026-02-30", "2026-06-31T10:00:00Z", "31 Feb 2026",
    "Foo 12 2026", "20260101", "2026-13-01", "2026-01-01T25:00", "May 5 2026, or later",
]  # fmt: skip
DATES = [
    "2026", "2024-02-29", " 2026-01-01T10:00:00.5Z\n", "2026-01-01 10:00:00+0200", "January 1, 2026",
    "Thu, 01 Jan 2026 10:00:00 GMT", "Thu Jan 01 2026 10:00:00 GMT+0000 (Coordinated Universal Time)",
]  # fmt: skip


def test_an_invalid_date_or_one_too_far_ahead_is_an_error(tmp_path: Path) -> None:
    waiting = node("x", "sleep_until", timestamp="{{ trigger.value }}")
    far = (time.time() + milliseconds("366 days") / 1000) * 1000  # type: ignore[operator]

    said = messages(
        tmp_path,
        _caught(waiting),
        ["31.01.", None, far, "2201-01-01", 0, "2001-01-01", *NO_DATES, *DATES],
    )

    assert said[:2] == [
        '"x": timestamp must be a valid date, not "31.01."',
        '"x": timestamp must be a valid date, not null',
    ]
    assert all("at most 365 days ahead" in message for message in said[2:4])
    assert said[4:6] == ["waited", "waited"]
    assert said[6:] == [
        *(f'"x": timestamp must be a valid date, not "{text}"' for text in NO_DATES),
        *("waited" for _ in DATES),
    ]


ODD: dict[str, tuple[dict[str, Any], str]] = {
    "Until": (
        node("x", "sleep_until", timestamp="{{ first.bad }}"),
        '"x": timestamp must be a valid date, not an invalid date',
    ),
    "Expression": (
        node("x", "sleep_until", timestamp="new Date(first.bad.getTime() + 1)"),
        '"x": timestamp must be a valid date, not an invalid date',
    ),
    "NoDate": (
        node("x", "sleep_until", timestamp="{{ first.yes }}"),
        '"x": timestamp must be a valid date, not true',
    ),
    "Sleep": (node("x", "sleep", duration="{{ first.bad }}"), "not an invalid date"),
    "Timeout": (
        node("x", "wait_for_event", eventType="go", timeout="{{ first.bad }}"),
        "not an invalid date",
    ),
    "Event": (node("x", "wait_for_event", eventType="{{ first.bad }}"), "not an invalid date"),
    "Text": (
        node("x", "wait_for_event", eventType="at-{{ first.bad }}"),
        '"x": eventType needs a value for {{ first.bad }}, which is an invalid date',
    ),
    "List": (node("x", "loop", collection="first.bad"), '"x" needs a list, but got an invalid'),
}
FIRST = "return { bad: new Date(NaN), yes: true };"


@pytest.fixture(scope="module")
def odd_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The runs of ODD by the name of their workflow; all run in one process."""
    documents = {name: chain(node("first", code=FIRST), odd) for name, (odd, _) in ODD.items()}
    documents["List"]["nodes"].append(node("a"))
    documents["List"]["edges"].append({"id": "a", "source": "x", "target": "a", "label": "body"})
    finished = run_all(
        compiled(documents, tmp_path_factory.mktemp("odd")),
        [Run(workflow=name) for name in documents],
    )
    return dict(zip(documents, finished, strict=True))


@pytest.mark.parametrize("name", ODD)
def test_an_invalid_date_is_an_error_that_names_the_node(
    odd_runs: dict[str, Any], name: str
) -> None:
    message = odd_runs[name]["error"]["message"]

    assert ODD[name][1] in message
    assert message.startswith('"x"')


@pytest.mark.long
def test_an_error_of_a_setting_inside_a_race_is_not_retried(tmp_path: Path) -> None:
    workflow = document(
        [
            node("race", "race", retryLimit=3, retryDelay=1),
            node("nap", "sleep", duration="{{ trigger.value }}"),
        ],
        "race nap a",
    )  # fmt: skip

    (run,) = run_all(
        compiled({"Computed": workflow}, tmp_path),
        [Run(workflow="Computed", params={"value": "x"})],
    )

    assert run["status"] == "errored"
    assert names(run) == ["race"]
