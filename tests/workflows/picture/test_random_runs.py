"""Runs of random programs: each step is matched to its node, even if names are equal."""

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

PROGRAMS = examples(12, 120)
AMBIGUOUS_PROGRAMS = examples(40, 120)  # enough for the share of wrong matches to be stable
EndedRuns = list[tuple[WorkflowIR, dict[str, Any]]]


def programs(count: int, *, seed: int, few_names: bool) -> dict[str, dict[str, Any]]:
    """Return documents by class names; with `few_names` their nodes share three names."""
    random = Random(seed)  # noqa: S311 - the same each time
    documents: dict[str, dict[str, Any]] = {}
    while len(documents) < count:
        document = document_of(ProgramGenerator(random).program(depth=3, length=3))
        for node in document["nodes"] if few_names else ():
            node["name"] = random.choice(["pay", "pack", "send"])
        if parse(document).ir:
            documents[f"P{len(documents)}"] = document
    return documents


def run(documents: dict[str, dict[str, Any]], folder: Path) -> EndedRuns:
    modules = compiled(documents, folder)
    runs = run_all(modules, [Run(workflow=name) for name in documents])
    return [(parse_valid(one), ended) for one, ended in zip(documents.values(), runs, strict=True)]


@pytest.fixture(scope="module")
def ended_runs(tmp_path_factory: pytest.TempPathFactory) -> EndedRuns:
    return run(programs(PROGRAMS, seed=1, few_names=False), tmp_path_factory.mktemp("programs"))


def actual_node(step: Any) -> str:
    """Return the node of a step, which random programs write into its output; "" if unknown."""
    output = step.get("output")
    return str(output.get("at", "")) if isinstance(output, dict) else ""


def test_every_step_is_matched_to_its_node(ended_runs: EndedRuns) -> None:
    for ir, run in ended_runs:
        calls = Matcher(ir).match(run["steps"])

        assert len(calls) == len(run["steps"])
        assert all(actual_node(call.raw) in ("", call.node_id) for call in calls)


def test_equal_names_are_distinguished_except_in_a_few_ambiguous_cases(
    tmp_path: Path,
) -> None:
    right = wrong = 0
    for ir, ended in run(programs(AMBIGUOUS_PROGRAMS, seed=2, few_names=True), tmp_path):
        for call in Matcher(ir).match(ended["steps"]):
            right += actual_node(call.raw) == call.node_id
            wrong += actual_node(call.raw) not in ("", call.node_id)

    assert right > 2 * AMBIGUOUS_PROGRAMS
    assert wrong <= right / 15  # what fails or breaks early leaves little to go by


def test_an_ended_run_has_no_active_nodes(ended_runs: EndedRuns) -> None:
    for ir, run in ended_runs:
        states = [node.state for node in node_states(ir, run["steps"], run["status"]).values()]

        assert not any(state.is_active for state in states)
        if run["status"] == "complete":
            assert State.NOT_REACHED not in states


def test_exactly_the_nodes_that_ran_are_done_or_failed(ended_runs: EndedRuns) -> None:
    for ir, run in ended_runs:
        nodes = node_states(ir, run["steps"], run["status"])

        finished = {actual_node(step) for step in run["steps"]} - {""}
        matched = {call.node_id for call in Matcher(ir).match(run["steps"])}
        never = {id_ for id_, node in ir.nodes.items() if has_steps(node)} - matched
        assert {nodes[id_].state for id_ in finished} <= {State.DONE, State.FAILED}
        assert {nodes[id_].state for id_ in never} <= {State.SKIPPED, State.NOT_REACHED}
