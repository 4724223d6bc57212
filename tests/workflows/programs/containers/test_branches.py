from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tests.support.examples import examples
from tests.workflows.ir.documents import branch, document, node
from tests.workflows.ir.tree.graphs import random_choices, random_document
from tests.workflows.ir.tree.test_region_tree import CASES
from tests.workflows.ir.walker import Walker
from tests.workflows.programs.harness.workers import Run, compiled, names, outputs, run_all
from workflows.nodes.documents import parse

DRAWN = examples(20, 100)
RUNS_OF_EACH = 3


def _payload(workflow: dict[str, Any], choices: dict[str, str]) -> dict[str, Any]:
    """Rewrite the conditions; return a payload that makes each branch take its chosen arm."""
    for node_ in workflow["nodes"]:
        for arm in node_["data"].get("branches", ()):
            arm["condition"] = f"event.payload.{node_['id']} === '{arm['label']}'"
    return choices


def test_every_rule_of_branches_holds_in_workerd(tmp_path: Path) -> None:
    workflows = {f"Case{index}": case for index, case in enumerate(CASES.values())}
    runs = [
        Run(workflow=name, params=_payload(case[0], case[1])) for name, case in workflows.items()
    ]

    results = run_all(compiled({name: case[0] for name, case in workflows.items()}, tmp_path), runs)

    assert [names(result) for result in results] == [case[2] for case in workflows.values()]
    assert {result["status"] for result in results} == {"complete"}


def test_random_graphs_run_in_the_order_of_a_walk(tmp_path: Path) -> None:
    random = Random(20261122)  # noqa: S311 - the same graphs each time
    workflows = {f"Graph{index}": _valid_document(random) for index in range(DRAWN)}
    runs = [
        Run(workflow=name, params=random_choices(random, workflow))
        for name, workflow in workflows.items()
        for _ in range(RUNS_OF_EACH)
    ]

    modules = compiled(workflows, tmp_path)
    results = run_all(modules, runs)

    expected = [Walker(workflows[run.workflow], run.params).steps() for run in runs]
    assert [names(result) for result in results] == expected
    assert sum("reached_" in module for module in modules.values()) > 2


def test_a_value_from_an_arm_is_available_after_the_join_or_undefined(tmp_path: Path) -> None:
    workflow = document(
        [
            branch("outer", x="event.payload.x", y=""),
            branch("inner", deep="1", flat=""),
            node("made", code="return { id: event.payload.x, list: ['a'] };"),
            node("joined", code="return made?.id ?? 'none';"),
            node("after", code="return [made?.list, {{ joined }}, joined];"),
        ],
        "outer inner x", "inner made deep", "made joined", "inner joined flat", "joined after",
        "outer after y",
    )  # fmt: skip
    workflow["nodes"][1]["data"]["branches"][0]["condition"] = "{{ trigger.x }} > 1"
    payloads = [{"x": 2}, {"x": 1}, {}]

    results = run_all(
        compiled({"Values": workflow}, tmp_path),
        [Run(workflow="Values", params=payload) for payload in payloads],
    )

    assert [outputs(result).get("after") for result in results] == [
        [["a"], 2, 2],
        [None, "none", "none"],
        [None, None, None],
    ]


def _valid_document(random: Random) -> dict[str, Any]:
    """Return a random valid document with a branch."""
    while True:
        workflow = random_document(random, size=random.randint(5, 16), then=random.choice([0, 0.4]))
        if parse(workflow).ir and any(node["type"] == "branch" for node in workflow["nodes"]):
            return workflow
