from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

from tests.workflows.ir.documents import Document, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all


def run_document(folder: Path, workflow: Document, params: Any = None) -> dict[str, Any]:
    """Return the one run of a document."""
    return run_all(compiled({"Arms": workflow}, folder), [Run(workflow="Arms", params=params)])[0]


def failing(id_: str, **data: Any) -> dict[str, Any]:
    return node(id_, code=f"throw new TypeError('{id_}');", retryLimit=0, **data)


def test_arms_run_at_once_and_the_output_has_their_values_in_the_order_of_edges(
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


def test_an_arm_that_fails_fails_the_node_once_the_others_have_ended(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("both", "parallel"),
            failing("broken"),
            node("nap", "sleep", duration=100),
            node("slow"),
            node("mend", code="return [err.name, err.message, slow];"),
        ],
        "guard both try", "both broken x", "both nap y", "nap slow", "guard mend catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["broken", "nap", "slow", "mend"]
    assert run["output"] == ["TypeError", "broken", {"from": "slow"}]


def test_arms_that_are_collected_tell_what_became_of_each(tmp_path: Path) -> None:
    workflow = document(
        [node("all", "parallel", onError="collect"), node("good"), failing("bad")],
        "all good x", "all bad y",
    )  # fmt: skip

    assert run_document(tmp_path, workflow)["output"] == [
        {"status": "fulfilled", "value": {"from": "good"}},
        {"status": "rejected", "error": {"name": "TypeError", "message": "bad"}},
    ]


def test_a_parallel_of_one_arm_holds_all_that_follows(tmp_path: Path) -> None:
    workflow = document([node("one", "parallel"), node("a"), node("b")], "one a x", "a b")

    assert run_document(tmp_path, workflow)["output"] == [{"from": "b"}]


def test_steps_of_one_name_in_arms_get_names_of_their_own_and_elsewhere_they_are_counted(
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


def test_the_first_arm_to_finish_wins_and_its_values_are_there_afterwards(tmp_path: Path) -> None:
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
    assert race["config"]["timeout"] == "1 minute"


def test_a_race_whose_first_arm_fails_fails_at_once_and_runs_nothing_twice(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("race", "race"),
            failing("bad"),
            node("nap", "sleep", duration=5000),
            node("mend", code="return err.message;"),
        ],
        "guard race try", "race bad x", "race nap y", "guard mend catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert run["output"] == "bad"
    assert names(run).count("bad") == 1


def test_what_fails_is_caught_and_the_cleanup_runs_either_way(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"),
            node("made", code="return event.payload.from;"),
            node("risky", code="if (event.payload.bad) throw new Error('no'); return 'fine';",
                 retryLimit=0),
            node("mend", code="return `${err.message} after ${made}`;"),
            node("tidy", code="return 'tidied';"),
            node("after", code="return [made, risky, mend, tidy];"),
        ],
        "guard made try", "made risky", "guard mend catch", "guard tidy finally",
        "guard after then",
    )  # fmt: skip
    runs = [Run(workflow="Try", params={"bad": bad, "from": "a"}) for bad in (True, False)]

    caught, fine = run_all(compiled({"Try": workflow}, tmp_path), runs)

    assert names(caught) == ["made", "risky", "mend", "tidy", "after"]
    assert caught["output"] == ["a", None, "no after a", "tidied"]
    assert names(fine) == ["made", "risky", "tidy", "after"]
    assert fine["output"] == ["a", "fine", None, "tidied"]


def test_an_error_in_a_catch_goes_on_after_the_cleanup(tmp_path: Path) -> None:
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


def test_ids_that_are_names_of_the_language_or_of_generated_code_are_values_like_others(
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

    made = [f"{id_}!" for id_ in ids if id_ != "event"]
    assert run["output"] == [*made, [0], "quick"]
