from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import document, node
from tests.workflows.programs.harness.workers import (
    Run,
    compiled,
    names,
    outputs,
    run_all,
    run_document,
)


def failing(id_: str, **data: Any) -> dict[str, Any]:
    return node(id_, code=f"throw new TypeError('{id_}');", retryLimit=0, **data)


def test_arms_run_concurrently_and_the_output_keeps_the_order_of_edges(
    tmp_path: Path,
) -> None:
    workflow = document(
        [
            node("both", "parallel"),
            node("nap", "sleep", duration=150),
            node("slow"),
            node("quick"),
            node("after", code="return [both, slow, quick];"),
        ],
        "both nap x", "nap slow", "both quick y", "both after z", "slow after", "quick after",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["nap", "quick", "slow", "after"]
    slow, quick = {"from": "slow"}, {"from": "quick"}
    assert run["output"] == [[slow, quick, None], slow, quick]


def test_a_failing_arm_fails_the_node_after_the_others_have_finished(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("both", "parallel"),
            failing("broken"),
            node("nap", "sleep", duration=100),
            node("slow"),
            node("handle", code="return [err.name, err.message, slow];"),
        ],
        "guard both try", "both broken x", "both nap y", "nap slow", "guard handle catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["broken", "nap", "slow", "handle"]
    assert run["output"] == ["TypeError", "broken", {"from": "slow"}]


@pytest.mark.long
def test_collected_arms_report_the_result_of_each(tmp_path: Path) -> None:
    workflow = document(
        [node("all", "parallel", onError="collect"), node("good"), failing("bad")],
        "all good x", "all bad y",
    )  # fmt: skip

    assert run_document(tmp_path, workflow)["output"] == [
        {"status": "fulfilled", "value": {"from": "good"}},
        {"status": "rejected", "error": {"name": "TypeError", "message": "bad"}},
    ]


@pytest.mark.long
def test_a_parallel_with_one_arm_contains_everything_after_it(tmp_path: Path) -> None:
    workflow = document([node("one", "parallel"), node("a"), node("b")], "one a x", "a b")

    assert run_document(tmp_path, workflow)["output"] == [{"from": "b"}]


def test_steps_with_the_same_name_get_unique_names_in_arms_and_counters_elsewhere(
    tmp_path: Path,
) -> None:
    workflow = document(
        [
            node("first", name="Pay"),
            node("second", name="Pay"),
            node("both", "parallel"),
            node("left", name="Ask"),
            node("right", name="Ask"),
        ],
        "first second", "second both", "both left x", "both right y",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert [step["name"] for step in run["steps"]] == [
        "Pay-1", "Pay-2", "Ask-1", "Ask (right)-1",
    ]  # fmt: skip


def test_the_first_arm_to_finish_wins_and_its_values_remain(tmp_path: Path) -> None:
    workflow = document(
        [
            node("race", "race", timeout="1 minute"),
            node("quick", code="return { answer: 1 };"),
            node("also", code="return quick.answer + 1;"),
            node("nap", "sleep", duration=300),
            node("slow"),
            node("after", code="return [race, quick.answer, also, slow ?? 'not yet'];"),
            node("wait", "sleep", duration=600),
            node("later", code="return [race, slow ?? 'still not'];"),
        ],
        "race quick x", "quick also", "race nap y", "nap slow", "race after then", "after wait",
        "wait later",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert outputs(run)["after"] == [2, 1, 2, "not yet"]
    assert outputs(run)["later"] == [2, "still not"]
    assert outputs(run)["race"] == {"value": 2, "values": {"quick": {"answer": 1}, "also": 2}}
    race = next(step for step in run["steps"] if step["name"] == "race-1")
    assert race["config"]["retries"]["limit"] == 0
    assert race["config"]["timeout"] == 3 * 60_000  # with the time to store values


def test_a_race_fails_as_soon_as_its_first_arm_fails_and_runs_nothing_twice(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("race", "race"),
            failing("bad"),
            node("nap", "sleep", duration=5000),
            node("handle", code="return err.message;"),
        ],
        "guard race try", "race bad x", "race nap y", "guard handle catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert run["output"] == "bad"
    assert names(run).count("bad") == 1


def test_an_error_is_caught_and_the_cleanup_always_runs(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("made", code="return event.payload.from;"),
            node("risky", code="if (event.payload.bad) throw new Error('no'); return 'fine';",
                 retryLimit=0),
            node("handle", code="return `${err.message} after ${made}`;"),
            node("tidy", code="return 'tidied';"),
            node("after", code="return [made, risky, handle, tidy];"),
        ],
        "guard made try", "made risky", "guard handle catch", "guard tidy finally",
        "guard after then",
    )  # fmt: skip
    runs = [Run(workflow="Try", params={"bad": bad, "from": "a"}) for bad in (True, False)]

    caught, fine = run_all(compiled({"Try": workflow}, tmp_path), runs)

    assert names(caught) == ["made", "risky", "handle", "tidy", "after"]
    assert caught["output"] == ["a", None, "no after a", "tidied"]
    assert names(fine) == ["made", "risky", "tidy", "after"]
    assert fine["output"] == ["a", "fine", None, "tidied"]


@pytest.mark.long
def test_an_error_in_a_catch_is_thrown_after_the_cleanup(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"), failing("first"), failing("second"), node("tidy"),
            node("after"),
        ],
        "guard first try", "guard second catch", "guard tidy finally", "guard after then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["first", "second", "tidy"]
    assert (run["status"], run["error"]["message"]) == ("errored", "second")


@pytest.mark.long
def test_ids_may_be_keywords_or_names_from_generated_code(
    tmp_path: Path,
) -> None:
    ids = [
        "class",
        "step",
        "event",
        "last",
        "run_a",
        "results_each",
        "i",
        "item",
        "won_race",
        "await",
    ]
    steps = [node(id_, code=f"return '{id_}!';") for id_ in ids]
    shown = ", ".join(f"{{{{ {id_} }}}}" for id_ in ids if id_ != "event")
    workflow = document(
        [
            *steps, node("each", "loop", loopType="times", count=1, indexVar="k"),
            node("a", code="return k;"), node("race", "race"), node("quick"),
            node("all", code=f"return [{shown}, each.results, quick.from];"),
        ],
        *[f"{source} {target}" for source, target in pairwise(ids)],
        f"{ids[-1]} each", "each a body", "each race then", "race quick x", "race all then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    values = [f"{id_}!" for id_ in ids if id_ != "event"]
    assert run["output"] == [*values, [0], "quick"]
