from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.workflows.ir.documents import Document, chain, document, node
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all

CHILDREN = {"CHILD_DOUBLE": "Double", "CHILD_BAD": "Bad", "CHILD_SLOW": "Slow"}


def run_document(folder: Path, parent: Document, params: Any = None) -> dict[str, Any]:
    """Return the run of a workflow that calls the others."""
    workflows = {
        "Parent": parent,
        "Double": chain(node("a", code="return { twice: event.payload.n * 2 };")),
        "Bad": chain(node("a", code="throw new Error('out of stock');", retryLimit=0)),
        "Slow": chain(node("nap", "sleep", duration="1 hour")),
    }
    modules = compiled(workflows, folder)
    return run_all(modules, [Run(workflow="Parent", params=params)], children=CHILDREN)[0]


def child(id_: str, worker: str, **data: Any) -> dict[str, Any]:
    return node(id_, "sub_workflow", workflowId=worker, **data)


def test_a_child_receives_its_input_and_returns_its_output(tmp_path: Path) -> None:
    call = child("child", "double", input="{ n: {{ trigger.n }} + first.one }")
    workflow = chain(
        node("first", code="return { one: 1 };"), call, node("b", code="return child;")
    )

    run = run_document(tmp_path, workflow, {"n": 20})

    assert run["output"] == {"twice": 42}
    assert names(run)[:4] == ["first", "child: id", "child", "child: wait"]
    assert all(len(step["attempts"]) == 1 for step in run["steps"] if step["type"] == "step")


def test_a_failing_child_fails_the_node_immediately_with_its_error(tmp_path: Path) -> None:
    workflow = document(
        [
            node("guard", "try_catch"), child("child", "bad"),
            node("handle", code="return err.message;"),
        ],
        "guard child try", "guard handle catch",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert "child errored" in run["output"]
    assert "out of stock" in run["output"]
    assert names(run).count("child: status") == 1


@pytest.mark.long
def test_a_child_that_takes_too_long_fails_the_node(tmp_path: Path) -> None:
    run = run_document(
        tmp_path, chain(child("child", "slow", timeout="{{ trigger.time }}")), {"time": "2 seconds"}
    )

    assert run["status"] == "errored"
    assert "did not finish within 2000 ms" in run["error"]["message"]


@pytest.mark.long
def test_an_input_that_cannot_be_sent_fails_the_node_without_a_retry(tmp_path: Path) -> None:
    inputs = {"code": "() => 1", "method": "{ n: { run() {} } }"}
    workflow = document(
        [
            node("all", "parallel", onError="collect"),
            *(child(id_, "double", input=value) for id_, value in inputs.items()),
        ],
        *(f"all {id_}" for id_ in inputs),
    )

    run = run_document(tmp_path, workflow)

    reasons = [arm["error"]["message"] for arm in run["output"]]
    assert "the input of code cannot be sent to another run" in reasons[0]
    assert "the input of method cannot be sent to another run" in reasons[1]
    assert all(len(step["attempts"]) == 1 for step in run["steps"])


def test_a_child_without_waiting_returns_its_id_and_each_iteration_has_its_own(
    tmp_path: Path,
) -> None:
    workflow = document(
        [
            node("each", "loop", collection="[1, 2]"),
            child("child", "slow", waitForCompletion=False, input="{ n: item }"),
            node("ids", code="return new Set(each.results.map((one) => one.instanceId)).size;"),
        ],
        "each child body", "each ids then",
    )  # fmt: skip

    run = run_document(tmp_path, workflow)

    assert names(run) == ["child: id [0]", "child [0]", "child: id [1]", "child [1]", "ids"]
    assert outputs(run)["ids"] == 2
