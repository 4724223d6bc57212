"""What a picture says of real runs: their steps are those of the embedded platform."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.picture.runs import Ran
from workflows.nodes.documents import parse_valid
from workflows.picture.run_states import node_states

BRANCH = document(
    [branch("b", big="event.payload.n > 1", small=""), node("p"), node("q"), node("j")],
    "b p big", "b q small", "p j", "q j",
)  # fmt: skip
LOOP = document(
    [
        node("first"),
        node("each", "loop", collection="['a', 'b', 'c']"),
        node("work", code="return item;"),
        node("inner", "loop", loopType="times", count=2),
        node("deep"),
        node("after"),
    ],
    "first each", "each work body", "work inner", "inner deep body", "each after then",
)  # fmt: skip
PARALLEL = document(
    [node("both", "parallel"), node("left", name="same"), node("right", name="same"), node("j")],
    "both left x", "both right y", "both j then",
)  # fmt: skip
RACE = document(
    [node("race", "race"), node("quick"), node("slow", "sleep", duration="5 minutes"), node("late"),
     node("j")],
    "race quick x", "race slow y", "slow late", "race j then",
)  # fmt: skip
GUARD = document(
    [
        node("guard", "try_catch"),
        node("risky", code="if (event.payload.fails) throw new Error('no');", retryLimit=0),
        node("next"),
        node("mend", code="return err.message;"),
        node("tidy"),
        node("j"),
    ],
    "guard risky try", "risky next", "guard mend catch", "guard tidy finally", "guard j then",
)  # fmt: skip
FAILING = "throw new Error('no');"


def test_a_branch_shows_the_arm_that_was_taken(ran: Ran) -> None:
    big, small = ran(BRANCH, n=2), ran(BRANCH, n=1)

    assert big.states == {"b": "done", "p": "done", "q": "skipped", "j": "done"}
    assert small.states == {"b": "done", "p": "skipped", "q": "done", "j": "done"}


def test_the_arm_that_was_not_taken_is_skipped_once_something_behind_has_begun(ran: Ran) -> None:
    waiting = document(
        [branch("b", big="event.payload.n > 1", small=""),
         node("p", "wait_for_event", eventType="go"), node("q"), node("j")],
        "b p big", "b q small", "p j", "q j",
    )  # fmt: skip

    told = ran(waiting, n=2, shows="p waiting")

    assert told.states == {"b": "waiting", "p": "waiting", "q": "not_reached", "j": "not_reached"}


def test_a_loop_counts_its_iterations(ran: Ran) -> None:
    told = ran(LOOP)

    assert set(told.states.values()) == {"done"}
    counts = {id_: one.iterations for id_, one in told.nodes.items()}
    assert counts == {"first": 0, "each": 3, "work": 3, "inner": 6, "deep": 6, "after": 0}


def test_arms_at_once_with_equal_names_are_told_apart(ran: Ran) -> None:
    told = ran(PARALLEL)

    assert {step["name"] for step in told.steps} >= {"same-1", "same (right)-1"}
    assert set(told.states.values()) == {"done"}


def test_an_arm_at_work_shows_beside_one_that_is_done(ran: Ran) -> None:
    arms = document(
        [node("both", "parallel"), node("left"), node("nap", "sleep", duration="1 hour"), node("j")],
        "both left x", "both nap y", "both j then",
    )  # fmt: skip

    told = ran(arms, shows="left done")

    assert told.states == {
        "both": "sleeping", "left": "done", "nap": "sleeping", "j": "not_reached",
    }  # fmt: skip


def test_a_race_is_done_when_its_first_arm_is(ran: Ran) -> None:
    told = ran(RACE)

    assert told.states["race"] == told.states["quick"] == told.states["j"] == "done"
    assert told.states["slow"] in ("stopped", "skipped")
    assert told.states["late"] == "skipped"


def test_what_was_caught_is_failed_and_the_run_goes_on(ran: Ran) -> None:
    told = ran(GUARD, fails=True)

    assert told.status == "complete"
    assert told.states == {
        "guard": "done", "risky": "failed", "next": "skipped", "mend": "done", "tidy": "done",
        "j": "done",
    }  # fmt: skip


def test_a_catch_that_was_not_needed_is_skipped(ran: Ran) -> None:
    told = ran(GUARD)

    assert told.states == {
        "guard": "done", "risky": "done", "next": "done", "mend": "skipped", "tidy": "done",
        "j": "done",
    }  # fmt: skip


def test_a_sleep_shows_how_long_it_is(ran: Ran) -> None:
    told = ran(chain(node("a"), node("nap", "sleep", duration="2 hours"), node("b")),
               shows="nap sleeping")  # fmt: skip

    assert told.states == {"a": "done", "nap": "sleeping", "b": "not_reached"}
    assert told.nodes["nap"].took == "2 h 00 m"


def test_a_wait_is_waiting(ran: Ran) -> None:
    told = ran(chain(node("ear", "wait_for_event", eventType="go"), node("b")),
               shows="ear waiting")  # fmt: skip

    assert told.states == {"ear": "waiting", "b": "not_reached"}


def test_a_step_between_two_attempts_is_retrying(ran: Ran) -> None:
    step = node("flaky", code=FAILING, retryLimit=3, retryDelay="1 hour")

    told = ran(chain(node("a"), step), shows="flaky retrying")

    assert told.states == {"a": "done", "flaky": "retrying"}


def test_a_step_that_needed_more_attempts_says_so(ran: Ran) -> None:
    code = "if (ctx.attempt < 3) throw new Error('no');"
    step = node("flaky", code=code, retryLimit=3, retryDelay=10, backoff="constant")

    told = ran(chain(step, node("b")))

    assert told.states == {"flaky": "done", "b": "done"}
    assert told.nodes["flaky"].attempts == 3


def test_a_failed_run_shows_where_it_failed(ran: Ran) -> None:
    told = ran(chain(node("a"), node("bad", code=FAILING, retryLimit=0), node("b")))

    assert told.status == "errored"
    assert told.states == {"a": "done", "bad": "failed", "b": "not_reached"}


def test_a_condition_that_fails_is_blamed_although_it_is_no_step(ran: Ran) -> None:
    drawn = document(
        [node("a"), branch("b", x="event.payload.no.such", y=""), node("p"), node("q")],
        "a b", "b p x", "b q y",
    )  # fmt: skip

    told = ran(drawn)

    assert told.states == {"a": "done", "b": "failed", "p": "not_reached", "q": "not_reached"}


def test_equal_names_one_after_another_are_counted(ran: Ran) -> None:
    drawn = document(
        [node("a", name="same"), branch("b", x="event.payload.n > 1", y=""),
         node("p", name="same"), node("q", name="same"), node("u"), node("z", name="same")],
        "a b", "b p x", "b q y", "q u", "b z then",
    )  # fmt: skip

    told = ran(drawn, n=1)

    assert [step["name"] for step in told.steps] == ["same-1", "same-2", "u-1", "same-3"]
    assert told.states == {
        "a": "done", "b": "done", "p": "skipped", "q": "done", "u": "done", "z": "done",
    }  # fmt: skip


def test_a_break_that_was_passed_is_done(ran: Ran) -> None:
    drawn = document(
        [node("each", "loop", loopType="times", count=5), node("a"),
         node("out", "break", condition="i === 2"), node("b"), node("end")],
        "each a body", "a out", "out b", "each end then",
    )  # fmt: skip

    told = ran(drawn)

    assert set(told.states.values()) == {"done"}
    assert (told.nodes["a"].iterations, told.nodes["b"].iterations) == (3, 2)


def test_a_run_that_has_not_begun_has_reached_nothing() -> None:
    states = node_states(parse_valid(LOOP), [], "queued")

    assert {told.state.value for told in states.values()} == {"not_reached"}


def test_steps_that_are_odd_say_nothing() -> None:
    odd = [{}, {"name": None}, {"name": "who-1", "type": "step"}, {"name": "a-1", "attempts": 3}]
    odd.append({"name": "b-1", "type": "sleep", "start": "soon", "end": 7})

    states = node_states(parse_valid(chain(node("a"), node("b"))), odd, "running")  # type: ignore[arg-type]

    assert {id_: told.state.value for id_, told in states.items()} == {
        "a": "running", "b": "sleeping",
    }  # fmt: skip


def child_steps(*, status: str) -> list[dict[str, object]]:
    """The steps of a node that starts another workflow and waits for it."""
    parts = [("asked: id-1", "step", '"x"'), ("asked-1", "step", "{}")]
    parts += [("asked: wait-1", "sleep", ""), ("asked: status-1", "step", status)]
    return [
        {"name": name, "type": kind, "start": f"2026-01-01T00:00:0{at}Z", "finished": True,
         "end": f"2026-01-01T00:00:0{at + 1}Z", "success": True, "output": output}
        for at, (name, kind, output) in enumerate(parts)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("output", "state"),
    [
        ('{"status": "running"}', "waiting"),
        ('{"status": "complete", "output": 1}', "done"),
        ('{"status": "errored"}', "failed"),
        ("[]", "waiting"),
    ],
)
def test_the_steps_of_a_child_are_one_node(output: str, state: str) -> None:
    ir = parse_valid(chain(node("asked", "sub_workflow", workflowId="abc"), node("b")))

    told = node_states(ir, child_steps(status=output), "running")

    assert told["asked"].state == state
    assert told["b"].state == "not_reached"


def test_a_child_that_nobody_waits_for_is_done_when_it_is_started() -> None:
    asked = node("asked", "sub_workflow", workflowId="abc", waitForCompletion=False)

    told = node_states(parse_valid(chain(asked, node("b"))), child_steps(status="")[:2], "running")

    assert (told["asked"].state, told["asked"].took) == ("done", "2.0 s")


def test_a_run_that_was_ended_shows_what_it_was_at(ran: Ran) -> None:
    drawn = chain(node("a"), node("nap", "sleep", duration="1 hour"), node("b"))
    told = ran(drawn, shows="nap sleeping")

    states = node_states(told.ir, told.steps, "terminated")

    assert {id_: one.state.value for id_, one in states.items()} == {
        "a": "done", "nap": "stopped", "b": "not_reached",
    }  # fmt: skip


def test_a_step_with_a_name_that_was_cut_is_found(ran: Ran) -> None:
    drawn = document(
        [node("each", "loop", loopType="times", count=2), node("a", name="x" * 254 + "é🎉")],
        "each a body",
    )

    told = ran(drawn)

    assert told.states == {"each": "done", "a": "done"}
    assert told.nodes["a"].iterations == 2


def test_steps_in_many_loops_are_found(ran: Ran) -> None:
    ids = [f"c{depth}" for depth in range(12)]
    loops = [node(id_, "loop", loopType="times", count=1 + (id_ == "c11")) for id_ in ids]
    ways = [f"{one} {other} body" for one, other in pairwise([*ids, "leaf"])]

    told = ran(document([*loops, node("leaf")], *ways))

    assert set(told.states.values()) == {"done"}
    assert told.nodes["leaf"].iterations == 2


def test_1000_steps_with_one_name_are_told_apart_quickly() -> None:
    ir = parse_valid(chain(*(node(f"n{at}", name="same") for at in range(1000))))
    steps = [
        {"name": f"same-{at + 1}", "type": "step", "success": True, "start": f"2026-{at:05}"}
        for at in range(600)
    ]

    began = time.process_time()
    states = node_states(ir, steps, "running")

    assert time.process_time() - began < 2
    assert [states[f"n{at}"].state for at in (0, 599, 600)] == ["done", "done", "not_reached"]
