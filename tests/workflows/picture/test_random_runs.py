"""What pictures say of runs of random programs: each step is its node's, also where names are equal."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.support.examples import examples
from tests.workflows.programs.harness.programs import ProgramGenerator, document_of
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.ir.document.model import WorkflowIR
from workflows.nodes.documents import parse, parse_valid
from workflows.picture.run_states import node_states
from workflows.picture.states import State
from workflows.picture.step_matching import Matcher, has_steps

DRAWN = examples(12, 120)
SAMPLE = examples(40, 120)  # a share of wrong matches means something only of many
Ended = list[tuple[WorkflowIR, dict[str, Any]]]


def programs(*, seed: int, few_names: bool, count: int) -> dict[str, dict[str, Any]]:
    """Return documents by class names; with `few_names` their nodes share three names."""
    random = Random(seed)  # noqa: S311 - the same each time
    found: dict[str, dict[str, Any]] = {}
    while len(found) < count:
        document = document_of(ProgramGenerator(random).program(depth=3, length=3))
        for node in document["nodes"] if few_names else ():
            node["name"] = random.choice(["pay", "pack", "send"])
        if parse(document).ir:
            found[f"P{len(found)}"] = document
    return found


def ran(documents: dict[str, dict[str, Any]], folder: Path) -> Ended:
    modules = compiled(documents, folder)
    runs = run_all(modules, [Run(workflow=name) for name in documents])
    return [(parse_valid(one), run) for one, run in zip(documents.values(), runs, strict=True)]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    return ran(programs(seed=1, few_names=False, count=DRAWN), tmp_path_factory.mktemp("programs"))


def made_by(step: Any) -> str:
    """Return the node that made the output of a step: those of programs say it."""
    output = step.get("output")
    return str(output.get("at", "")) if isinstance(output, dict) else ""


def test_every_step_is_its_nodes(ended: Ended) -> None:
    for ir, run in ended:
        called = Matcher(ir).called(run["steps"])

        assert len(called) == len(run["steps"])
        assert all(made_by(one.raw) in ("", one.node_id) for one in called)


def test_equal_names_are_told_apart_but_where_nothing_tells_which_arm_it_was(
    tmp_path: Path,
) -> None:
    right = wrong = 0
    for ir, run in ran(programs(seed=2, few_names=True, count=SAMPLE), tmp_path):
        for one in Matcher(ir).called(run["steps"]):
            right += made_by(one.raw) == one.node_id
            wrong += made_by(one.raw) not in ("", one.node_id)

    assert right > 2 * SAMPLE
    assert wrong <= right / 50


def test_a_run_that_has_ended_leaves_nothing_open(ended: Ended) -> None:
    for ir, run in ended:
        told = node_states(ir, run["steps"], run["status"])

        assert not any(one.state.is_active for one in told.values())
        if run["status"] == "complete":
            assert State.NOT_REACHED not in [one.state for one in told.values()]


def test_what_has_run_is_done_and_nothing_else_is(ended: Ended) -> None:
    for ir, run in ended:
        told = node_states(ir, run["steps"], run["status"])

        finished = {made_by(step) for step in run["steps"]} - {""}
        seen = {one.node_id for one in Matcher(ir).called(run["steps"])}
        never = {id_ for id_, node in ir.nodes.items() if has_steps(node)} - seen
        assert {told[id_].state for id_ in finished} <= {State.DONE, State.FAILED}
        assert {told[id_].state for id_ in never} <= {State.SKIPPED, State.NOT_REACHED}
