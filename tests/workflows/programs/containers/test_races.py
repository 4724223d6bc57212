"""Races that fail or are retried: their values, their attempts and their steps' names."""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import ge
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, document, node
from tests.workflows.programs.harness.workers import (
    Run,
    compiled,
    names,
    outputs,
    run_all,
    run_document,
)

AGAIN: dict[str, Any] = {"retryLimit": 2, "retryDelay": 5, "backoff": "constant"}


def failing(id_: str) -> dict[str, Any]:
    return node(id_, code=f"throw new Error('{id_}');", retryLimit=0)


def _booking(end: dict[str, Any], **race: Any) -> Document:
    """Return a race that books a room and then fails, and a catch that reads the room."""
    return document(
        [
            node("guard", "try_catch"), node("race", "race", **race), node("room"), end,
            node("nap", "sleep", duration="30 seconds"), node("undo", code="return room?.from;"),
            node("after", code="return [room?.from, undo];"),
        ],
        "guard race try", "race room a", f"room {end['id']}", "race nap b", "guard undo catch",
        "guard after then",
    )  # fmt: skip


def test_values_of_a_race_that_fails_remain_in_the_catch_and_after_it(tmp_path: Path) -> None:
    run = run_document(tmp_path, _booking(failing("bad")))

    assert run["output"] == ["room", "room"]
    assert names(run) == ["race", "room", "nap", "bad", "race: values", "undo", "after"]


@pytest.mark.long
def test_values_of_a_race_that_takes_too_long_remain(tmp_path: Path) -> None:
    slow = node("slow", code="await scheduler.wait(20_000);", retryLimit=0)
    workflow = _booking(slow, timeout="1 second")
    workflow["nodes"][4]["data"]["duration"] = "{{ trigger.long }}"

    assert run_document(tmp_path, workflow, {"long": "30 seconds"})["output"] == ["room", "room"]


def test_a_race_without_values_and_retries_is_a_plain_step() -> None:
    workflow = document([node("race", "race"), node("a"), node("b")], "race a x", "race b y")

    assert "runRace" not in generated(workflow).source


def test_each_attempt_of_a_race_runs_its_arms_again(tmp_path: Path) -> None:
    ask = "if (ctx.step.name === 'ask (attempt 3)') return 'up'; throw new Error('down');"
    workflow = document(
        [
            node("each", "loop", loopType="times", count=1), node("race", "race", **AGAIN),
            node("first"), node("ask", code=ask.replace("3)", "3) [0]"), retryLimit=0),
            node("nap", "sleep", duration="30 seconds"),
            node("end", code="return [race, first.from];"),
        ],
        "each race body", "race first a", "first ask", "race nap b", "race end then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert outputs(run)["end [0]"] == ["up", "first"]
    attempts = ["", " (attempt 2)", " (attempt 3)"]
    ran = names(run)
    assert [name for name in ran if name.startswith("ask")] == [f"ask{n} [0]" for n in attempts]
    assert [name for name in ran if name.startswith("race")] == [
        "race [0]", "race: wait [0]", "race (attempt 2) [0]", "race: wait [0]",
        "race (attempt 3) [0]",
    ]  # fmt: skip


@pytest.mark.long
def test_attempts_of_nested_races_are_distinguished(tmp_path: Path) -> None:
    once = AGAIN | {"retryLimit": 1}
    workflow = document(
        [
            node("guard", "try_catch"), node("outer", "race", **once), node("inner", "race", **once),
            failing("bad"), node("nap", "sleep", duration="30 seconds"), node("end"),
        ],
        "guard outer try", "outer inner a", "inner bad a", "outer nap b", "guard end catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert [name for name in names(run) if name.startswith("bad")] == [
        "bad", "bad (attempt 2)", "bad (attempt 2)", "bad (attempt 2) (attempt 2)",
    ]  # fmt: skip


PAUSES = {
    "constant": [1000, 1000, 1000],
    "linear": [1000, 2000, 3000],
    "exponential": [1000, 2000, 4000],
}
"""In milliseconds; long, because pauses on a busy machine take some tenths of a second longer."""


@pytest.mark.long
def test_the_pauses_between_attempts_grow_as_the_setting_says(tmp_path: Path) -> None:
    """A pause takes at least as long as planned."""
    policy: dict[str, Any] = {"retryLimit": 3, "retryDelay": 1000}
    documents = {
        backoff.title(): document(
            [node("race", "race", **policy, backoff=backoff), failing("bad")], "race bad a"
        )
        for backoff in PAUSES
    }

    runs = run_all(compiled(documents, tmp_path), [Run(workflow=name) for name in documents])

    pauses = dict(zip(PAUSES, map(_pauses, runs), strict=True))
    for backoff, expected in PAUSES.items():
        assert len(pauses[backoff]) == len(expected)
        assert all(map(ge, pauses[backoff], expected)), (backoff, pauses)
    assert pauses["constant"][-1] < pauses["exponential"][-1]


def _pauses(run: dict[str, Any]) -> list[float]:
    """Return how many milliseconds each pause took."""
    sleeps = [step for step in run["steps"] if step["type"] == "sleep"]
    moments = [[datetime.fromisoformat(step[key]) for key in ("start", "end")] for step in sleeps]
    return [(end - start) / timedelta(milliseconds=1) for start, end in moments]


def test_a_final_error_ends_a_race_without_further_attempts(tmp_path: Path) -> None:
    final = node("final", code="throw new NonRetryableError('no');")
    workflow = document([node("race", "race", **AGAIN), final], "race final a")

    run = run_document(tmp_path, workflow)

    assert run["status"] == "errored"
    assert [name for name in names(run) if name.startswith("race")] == ["race"]
