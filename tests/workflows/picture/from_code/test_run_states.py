"""The steps of a run light up the nodes of a class, also where names are repeated or dynamic."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.picture.from_code.sketches import of_files, picture
from workflows.picture.from_code.drawing import draw_class
from workflows.picture.from_code.model import CodePicture
from workflows.picture.from_code.run_states import CodeRun, run_of_class
from workflows.picture.from_code.step_matching import fits


def step(name: str, at: int, *, kind: str = "step", success: bool | None = True) -> dict[str, Any]:
    """Return a step that started in the minute `at`, with one attempt."""
    start, end = f"2030-01-01T10:{at:02}:00Z", f"2030-01-01T10:{at:02}:01Z"
    attempt = {"start": start, "end": end if success is not None else None, "success": success}
    ended = {"end": end} if success is not None else {}
    if kind != "step":
        return {"name": name, "type": kind, "start": start, "finished": bool(success), **ended}
    return {"name": name, "type": kind, "start": start, "success": success, "attempts": [attempt], **ended}  # fmt: skip


def run(found: CodePicture, *names: str, status: str = "complete") -> CodeRun:
    """Return a run with these steps, one after another; "!name" has failed and "?name" is running."""
    success = {"!": False, "?": None}
    steps = [
        step(name.lstrip("!?"), at, success=success.get(name[0], True))
        for at, name in enumerate(names)
    ]
    return run_of_class(found, steps, status)


def states(found: CodePicture, result: CodeRun) -> dict[str, str]:
    assert found.ir
    return {found.ir.nodes[id_].name: str(node.state) for id_, node in result.states.items()}


def lines(result: CodeRun) -> list[str]:
    """Return the line and the number of the node of each step."""
    return [call.node_id.removeprefix("src/index.ts:") for call in result.calls]


def test_a_step_is_found_by_its_name_without_the_counter() -> None:
    found = picture("""
        await step.do("first", work);
        await step.do("second", work);
        await step.do("third", work);
    """)

    assert states(found, run(found, "first-1", "?second-1", status="running")) == {
        "first": "done",
        "second": "running",
        "third": "not_reached",
    }


def test_steps_of_other_names_are_listed() -> None:
    found = picture("""
        await step.do("first", work);
        await library(step);
    """)
    result = run(found, "first-1", "unknown-1")

    assert [unmatched["name"] for unmatched in result.unmatched] == ["unknown-1"]
    assert lines(result) == ["5"]


def test_names_that_end_in_numbers_are_not_counters() -> None:
    found = picture("""
        await step.do("part-1", work);
        await step.do("part-2", work);
    """)

    assert lines(run(found, "part-1-1", "part-2-1")) == ["5", "6"]


def test_a_literal_name_precedes_a_pattern_and_more_fixed_text_less() -> None:
    found = picture("""
        await step.do(event.payload.name, work);
        await step.do(`item ${id}`, work);
        await step.do(`item ${id} of ${list}`, work);
        await step.do("item 1", work);
    """)
    result = run(found, "anything-1", "item 7-1", "item 7 of a-1", "item 1-1")

    assert lines(result) == ["5", "6", "7", "8"]
    assert not result.unmatched


def test_a_kind_of_step_is_not_taken_for_another() -> None:
    found = picture("""
        await step.do("same", work);
        await step.sleep("same", 1000);
        await step.waitForEvent("same", { type: "x" });
    """)
    steps = [
        step("same-1", 1),
        step("same-1", 2, kind="sleep"),
        step("same-1", 3, kind="waitForEvent", success=None),
    ]
    result = run_of_class(found, steps, "waiting")

    assert lines(result) == ["5", "6", "7"]
    assert [str(node.state) for node in result.states.values()] == ["done", "done", "waiting"]


def test_the_arm_of_a_repeated_name_follows_from_the_steps_around_it() -> None:
    found = picture("""
        if (event.payload.card) {
          await step.do("charge card", work);
          await step.do("save", work);
        } else {
          await step.do("save", work);
          await step.do("count cash", work);
        }
        await step.do("save", work);
    """)

    assert lines(run(found, "charge card-1", "save-1", "save-2")) == ["6", "7", "12"]
    assert lines(run(found, "save-1", "count cash-1", "save-2")) == ["9", "10", "12"]


def test_a_repeated_name_in_a_handler_belongs_there_after_a_failure() -> None:
    found = picture("""
        try {
          await step.do("work", work);
          await step.do("report", work);
        } catch (error) {
          await step.do("report", work);
        }
    """)

    assert lines(run(found, "work-1", "report-1")) == ["6", "7"]
    assert lines(run(found, "!work-1", "report-1")) == ["6", "9"]


def test_repeated_names_take_turns_in_loops() -> None:
    found = picture("""
        for (const item of items) {
          await step.do("save", work);
          await step.do("save", work);
        }
    """)
    result = run(found, "save-1", "save-2", "save-3", "save-4")

    assert lines(result) == ["6", "7", "6", "7"]
    assert [node.iterations for node in result.states.values()] == [2, 2, 2]


def test_parallel_iterations_are_running_until_all_have_ended() -> None:
    found = picture("""
        await Promise.all(items.map((item) => step.do(`item ${item}`, work)));
        await step.do("after", work);
    """)
    running = run(found, "item 1-1", "?item 2-1", "item 3-1", status="running")
    failed = run(found, "item 1-1", "!item 2-1", "item 3-1", status="errored")

    assert states(found, running) == {
        "item of items": "running",
        "item ${item}": "running",
        "after": "not_reached",
    }
    assert states(found, failed)["item ${item}"] == "failed"


def test_a_return_that_was_passed_is_skipped() -> None:
    found = picture("""
        if (!event.payload.ok) return;
        if (!event.payload.mail) throw new Error("no address");
        await step.do("send", work);
    """)
    result = run(found, "send-1")

    assert states(found, result)["Return"] == "skipped"
    assert states(found, result)["Throw"] == "skipped"


def test_a_return_that_explains_what_is_missing_is_done() -> None:
    found = picture("""
        await step.do("find", work);
        if (!event.payload.ok) return;
        await step.do("send", work);
    """)
    result = run(found, "find-1")

    assert states(found, result)["Return"] == "done"
    assert states(found, result)["send"] == "skipped"


def test_one_of_several_returns_may_have_been_taken() -> None:
    found = picture("""
        if (!event.payload.ok) return 1;
        if (!event.payload.mail) return 2;
        await step.do("send", work);
    """)
    result = run(found)

    assert found.ir
    returns = [id_ for id_, node in found.ir.nodes.items() if node.type.name == "return"]
    assert [str(result.states[id_].state) for id_ in returns] == ["plain", "plain"]


def test_a_return_in_a_function_explains_what_is_missing_there() -> None:
    found = picture("""
        await remind(step);
        await step.do("after", work);
    """, top="""
        const remind = async (step) => {
          await step.do("find", work);
          if (nobody) return;
          await step.do("remind", work);
        };
    """)  # fmt: skip
    result = run(found, "find-1", "after-1")

    assert list(states(found, result).items()) == [
        ("remind", "skipped"),
        ("find", "done"),
        ("nobody", "done"),
        ("Return", "done"),
        ("after", "done"),
    ]


def test_a_throw_that_failed_the_run_is_marked() -> None:
    found = picture("""
        const order = await step.do("find", work);
        if (!order) throw new NonRetryableError("not found");
        await step.do("send", work);
    """)

    assert states(found, run(found, "find-1", status="errored")) == {
        "find": "done",
        "!order": "failed",
        "Throw": "failed",
        "send": "not_reached",
    }


def test_an_error_that_is_thrown_again_is_marked() -> None:
    found = picture("""
        try {
          await step.do("charge", work);
        } catch (error) {
          await step.do("release", work);
          throw error;
        }
    """)
    failed = states(found, run(found, "!charge-1", "release-1", status="errored"))
    caught = states(found, run(found, "charge-1"))

    assert (failed["release"], failed["Throw"]) == ("done", "failed")
    assert (caught["release"], caught["Throw"]) == ("skipped", "skipped")


def test_rollbacks_are_noted_on_the_steps_that_they_undo() -> None:
    found = picture("""
        await step.do("reserve", work, { rollback: undo });
        await step.do("charge", work);
    """)
    steps = [
        step("reserve-1", 1),
        step("charge-1", 2, success=False),
        {**step("reserve-1", 3), "type": "rollback"},
    ]
    result = run_of_class(found, steps, "errored")

    assert [node.note for node in result.states.values()] == ["rolled back", ""]
    assert not result.unmatched


def test_without_a_picture_no_step_has_a_node() -> None:
    result = run_of_class(of_files({}), [step("first-1", 1)], "complete")

    assert not result.states
    assert [unmatched["name"] for unmatched in result.unmatched] == ["first-1"]


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (("a",), "a", True),
        (("a",), "ab", False),
        ((None,), "anything", True),
        (("a", None), "abc", True),
        (("a", None), "bc", False),
        ((None, "c"), "abc", True),
        (("a", None, "c"), "ac", True),
        (("a", None, "a"), "a", False),
        (("a", None, "b", None, "c"), "a-b-c", True),
        (("a", None, "b", None, "c"), "a-c-b", False),
    ],
)
def test_a_pattern_fits_names_with_its_parts(
    pattern: tuple[str | None, ...], name: str, *, expected: bool
) -> None:
    assert fits(pattern, name) is expected


RAW_STEPS = st.lists(
    st.dictionaries(
        st.sampled_from(["name", "type", "start", "end", "success", "attempts", "error", "finished"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.sampled_from(["step", "sleep", "save-1", "save-2", "item 3-1", "2030-01-01T10:00:00Z"]),
            st.lists(st.none(), max_size=2),
        ),
    ),
    max_size=6,
)  # fmt: skip


@settings(deadline=None, max_examples=examples(50, 1000))
@given(steps=RAW_STEPS, status=st.sampled_from(["running", "complete", "errored", "odd"]))
def test_any_steps_give_states_that_can_be_drawn(steps: list[dict[str, Any]], status: str) -> None:
    found = picture("""
        for (const item of items) { await step.do(`item ${item}`, work); }
        try { await step.do("save", work); } catch { await step.do("save", work); }
        await Promise.race([step.do("save", work), step.sleep("save", 1)]);
    """)
    result = run_of_class(found, steps, status)

    assert found.ir
    assert set(result.states) == set(found.ir.nodes)
    assert draw_class(found, result.states)
    json.dumps([dict(call.raw) for call in result.calls])
