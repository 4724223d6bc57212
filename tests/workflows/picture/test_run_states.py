"""The states of nodes in real runs on the embedded platform."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.support.work import counted
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.picture.runs import RunDocument
from workflows.nodes.documents import parse_valid
from workflows.picture.run_states import node_states
from workflows.picture.states import NodeState

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
        node("handle", code="return err.message;"),
        node("tidy"),
        node("j"),
    ],
    "guard risky try", "risky next", "guard handle catch", "guard tidy finally", "guard j then",
)  # fmt: skip
FAILING = "throw new Error('no');"


def test_a_branch_shows_the_chosen_arm(run_document: RunDocument) -> None:
    big, small = run_document(BRANCH, n=2), run_document(BRANCH, n=1)

    assert big.states == {"b": "done", "p": "done", "q": "skipped", "j": "done"}
    assert small.states == {"b": "done", "p": "skipped", "q": "done", "j": "done"}


def test_the_other_arm_of_a_branch_is_not_skipped_while_the_chosen_one_waits(
    run_document: RunDocument,
) -> None:
    waiting = document(
        [branch("b", big="event.payload.n > 1", small=""),
         node("p", "wait_for_event", eventType="go"), node("q"), node("j")],
        "b p big", "b q small", "p j", "q j",
    )  # fmt: skip

    run = run_document(waiting, n=2, shows="p waiting")

    assert run.states == {"b": "waiting", "p": "waiting", "q": "not_reached", "j": "not_reached"}


def test_a_loop_counts_its_iterations(run_document: RunDocument) -> None:
    run = run_document(LOOP)

    assert set(run.states.values()) == {"done"}
    counts = {id_: node.iterations for id_, node in run.nodes.items()}
    assert counts == {"first": 0, "each": 3, "work": 3, "inner": 6, "deep": 6, "after": 0}


def test_parallel_arms_with_equal_names_are_distinguished(run_document: RunDocument) -> None:
    run = run_document(PARALLEL)

    assert {step["name"] for step in run.steps} >= {"same-1", "same (right)-1"}
    assert set(run.states.values()) == {"done"}


def test_a_container_is_active_while_one_of_its_arms_is(run_document: RunDocument) -> None:
    arms = document(
        [node("both", "parallel"), node("left"), node("nap", "sleep", duration="1 hour"), node("j")],
        "both left x", "both nap y", "both j then",
    )  # fmt: skip

    run = run_document(arms, shows="left done")

    assert run.states == {
        "both": "sleeping", "left": "done", "nap": "sleeping", "j": "not_reached",
    }  # fmt: skip


def test_a_race_is_done_with_its_first_arm(run_document: RunDocument) -> None:
    run = run_document(RACE)

    assert run.states["race"] == run.states["quick"] == run.states["j"] == "done"
    assert run.states["slow"] in ("stopped", "skipped")
    assert run.states["late"] == "skipped"


def test_a_caught_failure_is_shown_and_the_run_continues(run_document: RunDocument) -> None:
    run = run_document(GUARD, fails=True)

    assert run.status == "complete"
    assert run.states == {
        "guard": "done", "risky": "failed", "next": "skipped", "handle": "done", "tidy": "done",
        "j": "done",
    }  # fmt: skip


def test_an_unused_catch_is_skipped(run_document: RunDocument) -> None:
    run = run_document(GUARD)

    assert run.states == {
        "guard": "done", "risky": "done", "next": "done", "handle": "skipped", "tidy": "done",
        "j": "done",
    }  # fmt: skip


def test_a_sleep_shows_its_duration(run_document: RunDocument) -> None:
    run = run_document(chain(node("a"), node("nap", "sleep", duration="2 hours"), node("b")),
               shows="nap sleeping")  # fmt: skip

    assert run.states == {"a": "done", "nap": "sleeping", "b": "not_reached"}
    assert run.nodes["nap"].duration == "2 h 00 m"


def test_a_wait_for_an_event_is_waiting(run_document: RunDocument) -> None:
    run = run_document(chain(node("ear", "wait_for_event", eventType="go"), node("b")),
               shows="ear waiting")  # fmt: skip

    assert run.states == {"ear": "waiting", "b": "not_reached"}


def test_a_step_between_two_attempts_is_retrying(run_document: RunDocument) -> None:
    step = node("flaky", code=FAILING, retryLimit=3, retryDelay="1 hour")

    run = run_document(chain(node("a"), step), shows="flaky retrying")

    assert run.states == {"a": "done", "flaky": "retrying"}


def test_a_step_shows_its_number_of_attempts(run_document: RunDocument) -> None:
    code = "if (ctx.attempt < 3) throw new Error('no');"
    step = node("flaky", code=code, retryLimit=3, retryDelay=10, backoff="constant")

    run = run_document(chain(step, node("b")))

    assert run.states == {"flaky": "done", "b": "done"}
    assert run.nodes["flaky"].attempts == 3


def test_a_failed_run_shows_where_it_failed(run_document: RunDocument) -> None:
    run = run_document(chain(node("a"), node("bad", code=FAILING, retryLimit=0), node("b")))

    assert run.status == "errored"
    assert run.states == {"a": "done", "bad": "failed", "b": "not_reached"}


def test_a_condition_that_fails_is_marked_although_it_is_not_a_step(
    run_document: RunDocument,
) -> None:
    workflow = document(
        [node("a"), branch("b", x="event.payload.no.such", y=""), node("p"), node("q")],
        "a b", "b p x", "b q y",
    )  # fmt: skip

    run = run_document(workflow)

    assert run.states == {"a": "done", "b": "failed", "p": "not_reached", "q": "not_reached"}


def test_equal_names_in_sequence_are_distinguished(run_document: RunDocument) -> None:
    workflow = document(
        [node("a", name="same"), branch("b", x="event.payload.n > 1", y=""),
         node("p", name="same"), node("q", name="same"), node("u"), node("z", name="same")],
        "a b", "b p x", "b q y", "q u", "b z then",
    )  # fmt: skip

    run = run_document(workflow, n=1)

    assert [step["name"] for step in run.steps] == ["same-1", "same-2", "u-1", "same-3"]
    assert run.states == {
        "a": "done", "b": "done", "p": "skipped", "q": "done", "u": "done", "z": "done",
    }  # fmt: skip


def test_a_break_that_was_passed_is_done(run_document: RunDocument) -> None:
    workflow = document(
        [node("each", "loop", loopType="times", count=5), node("a"),
         node("out", "break", condition="i === 2"), node("b"), node("end")],
        "each a body", "a out", "out b", "each end then",
    )  # fmt: skip

    run = run_document(workflow)

    assert set(run.states.values()) == {"done"}
    assert (run.nodes["a"].iterations, run.nodes["b"].iterations) == (3, 2)


def test_a_queued_run_has_reached_nothing() -> None:
    states = node_states(parse_valid(LOOP), [], "queued")

    assert {node.state.value for node in states.values()} == {"not_reached"}


def test_malformed_steps_are_ignored() -> None:
    odd = [{}, {"name": None}, {"name": "who-1", "type": "step"}, {"name": "a-1", "attempts": 3}]
    odd.append({"name": "b-1", "type": "sleep", "start": "soon", "end": 7})

    states = node_states(parse_valid(chain(node("a"), node("b"))), odd, "running")  # type: ignore[arg-type]

    assert {id_: node.state.value for id_, node in states.items()} == {
        "a": "running", "b": "sleeping",
    }  # fmt: skip


def child_steps(*, status: str) -> list[dict[str, object]]:
    """Return the steps of a node that starts another workflow and waits for it."""
    parts = [("child: id-1", "step", '"x"'), ("child-1", "step", "{}")]
    parts += [("child: wait-1", "sleep", ""), ("child: status-1", "step", status)]
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
def test_the_steps_of_a_child_run_belong_to_one_node(output: str, state: str) -> None:
    ir = parse_valid(chain(node("child", "sub_workflow", workflowId="abc"), node("b")))

    nodes = node_states(ir, child_steps(status=output), "running")

    assert nodes["child"].state == state
    assert nodes["b"].state == "not_reached"


def test_a_child_run_that_is_not_awaited_is_done_when_it_has_started() -> None:
    child = node("child", "sub_workflow", workflowId="abc", waitForCompletion=False)

    nodes = node_states(parse_valid(chain(child, node("b"))), child_steps(status="")[:2], "running")

    assert (nodes["child"].state, nodes["child"].duration) == ("done", "2.0 s")


@pytest.mark.parametrize("id_", ["", "item"])
@pytest.mark.parametrize(
    ("successes", "state"),
    [
        ([True, True], "done"),
        ([True, None], "running"),
        ([True, False], "failed"),
        ([None], "running"),
    ],
)
def test_the_batches_of_a_list_belong_to_one_node(
    id_: str, successes: list[bool | None], state: str
) -> None:
    many = node("many", "start_many", workflowId="abc", items="event.payload", id=id_)
    calls: list[tuple[str, bool | None]] = [] if id_ else [("many: id-1", True)]
    calls += [(f"many-{at}", success) for at, success in enumerate(successes, 1)]
    steps = [
        {"name": name, "type": "step", "start": f"2026-01-01T00:00:0{at}Z", "success": success,
         "end": f"2026-01-01T00:00:0{at + 1}Z", "output": "[]" if name == "many-2" else '{"started": []}'}
        for at, (name, success) in enumerate(calls)
    ]  # fmt: skip

    nodes = node_states(parse_valid(chain(many, node("b"))), steps, "running")

    assert nodes["many"].state == state


def test_the_checks_of_a_wait_belong_to_one_node(run_document: RunDocument) -> None:
    code = "return ctx.step.count > event.payload.checks;"
    wait = node("wait", "wait_until", code=code, interval="{{ trigger.interval }}", maxChecks=3)
    document = chain(wait, node("end"))

    waiting = run_document(document, shows="wait sleeping", checks=9, interval="1 hour")
    done = run_document(document, checks=1, interval=10)
    failed = run_document(document, checks=9, interval=10)

    assert waiting.states == {"wait": "sleeping", "end": "not_reached"}
    assert done.states == {"wait": "done", "end": "done"}
    assert failed.states == {"wait": "failed", "end": "not_reached"}
    assert done.nodes["wait"].attempts == 1


def test_waits_with_equal_names_are_distinguished(run_document: RunDocument) -> None:
    code = "return ctx.step.count > 1;"
    nodes = [node(id_, "wait_until", name="same", code=code, interval=10) for id_ in "ab"]

    run = run_document(chain(*nodes))

    assert run.states == {"a": "done", "b": "done"}


def test_a_terminated_run_shows_where_it_stopped(run_document: RunDocument) -> None:
    workflow = chain(node("a"), node("nap", "sleep", duration="1 hour"), node("b"))
    run = run_document(workflow, shows="nap sleeping")

    states = node_states(run.ir, run.steps, "terminated")

    assert {id_: node.state.value for id_, node in states.items()} == {
        "a": "done", "nap": "stopped", "b": "not_reached",
    }  # fmt: skip


def test_a_step_with_a_truncated_name_is_matched(run_document: RunDocument) -> None:
    workflow = document(
        [node("each", "loop", loopType="times", count=2), node("a", name="x" * 254 + "é🎉")],
        "each a body",
    )

    run = run_document(workflow)

    assert run.states == {"each": "done", "a": "done"}
    assert run.nodes["a"].iterations == 2


def test_steps_in_deeply_nested_loops_are_matched(run_document: RunDocument) -> None:
    ids = [f"c{depth}" for depth in range(12)]
    loops = [node(id_, "loop", loopType="times", count=1 + (id_ == "c11")) for id_ in ids]
    edges = [f"{outer} {inner} body" for outer, inner in pairwise([*ids, "leaf"])]

    run = run_document(document([*loops, node("leaf")], *edges))

    assert set(run.states.values()) == {"done"}
    assert run.nodes["leaf"].iterations == 2


def states_of_a_chain_with_one_name(*, nodes: int, done: int) -> dict[str, NodeState]:
    ir = parse_valid(chain(*(node(f"n{at}", name="same") for at in range(nodes))))
    steps = [
        {"name": f"same-{at + 1}", "type": "step", "success": True, "start": f"2026-{at:05}"}
        for at in range(done)
    ]
    return node_states(ir, steps, "running")


def test_1000_steps_with_one_name_are_distinguished_in_linear_time() -> None:
    _, few = counted(lambda: states_of_a_chain_with_one_name(nodes=250, done=150))
    states, many = counted(lambda: states_of_a_chain_with_one_name(nodes=1000, done=600))

    assert many < 5 * few
    assert [states[f"n{at}"].state for at in (0, 599, 600)] == ["done", "done", "not_reached"]
