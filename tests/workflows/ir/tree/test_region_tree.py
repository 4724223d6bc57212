from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.tree.graphs import random_choices, random_document
from tests.workflows.ir.walker import Walker
from workflows.ir.document.region_tree import Region
from workflows.nodes.documents import parse, parse_valid

CASES: dict[str, tuple[dict[str, Any], dict[str, str], list[str]]] = {
    "the join runs after any arm": (
        document([branch("b", x="1", y=""), node("p"), node("q"), node("j")],
                 "b p x", "b q y", "p j", "q j"), {"b": "y"}, ["q", "j"],
    ),
    "an empty arm leads straight to the join": (
        document([branch("b", x="1", y=""), node("p"), node("j")], "b p x", "b j y", "p j"),
        {"b": "y"}, ["j"],
    ),
    "an arm without an edge is empty": (
        document([branch("b", x="1", y=""), node("p"), node("j")], "b p x", "b j then"),
        {"b": "y"}, ["j"],
    ),
    "a branch without a true arm continues at the join": (
        document([branch("b", x="1", y="2"), node("p"), node("j")], "b p x", "b j y", "p j"),
        {"b": ""}, ["j"],
    ),
    "everything after a branch with one arm belongs to the arm": (
        document([branch("b", x="1"), node("p"), node("j")], "b p x", "p j"), {"b": ""}, [],
    ),
    "the run continues after an arm that ends": (
        document([branch("b", x="1", y=""), node("p"), node("j")], "b p x", "b j then", "b j y"),
        {"b": "x"}, ["p", "j"],
    ),
    "arms that end have no join": (
        document([branch("b", x="1", y=""), node("p"), node("q")], "b p x", "b q y"),
        {"b": "x"}, ["p"],
    ),
    "a node that two of three arms lead to runs in either": (
        document([branch("b", x="1", y="2", z=""), node("p"), node("s"), node("j")],
                 "b p x", "p s", "b s y", "b j z", "s j"), {"b": "x"}, ["p", "s", "j"],
    ),
    "a node that two of three arms lead to does not run in the third": (
        document([branch("b", x="1", y="2", z=""), node("p"), node("s"), node("j")],
                 "b p x", "p s", "b s y", "b j z", "s j"), {"b": "z"}, ["j"],
    ),
    "a join inside an arm stays in it": (
        document([branch("b", x="1", y=""), branch("c", x="1", y=""), node("p"), node("k"),
                  node("j")], "b c x", "c p x", "c k y", "p k", "k j", "b j y"),
        {"b": "x", "c": "y"}, ["k", "j"],
    ),
    "a join may lead into a chain": (
        document([branch("b", x="1", y=""), node("j"), node("k")], "b j x", "b j y", "j k"),
        {"b": "x"}, ["j", "k"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_branches_run_as_specified(case: str) -> None:
    ir_document, choices, expected = CASES[case]

    assert Walker(ir_document, choices).steps() == expected
    assert _executed(ir_document, choices) == expected


@settings(deadline=None, max_examples=examples(60, 1000))
@given(seed=st.integers(0, 2**32), size=st.integers(2, 25), then=st.sampled_from([0.0, 0.3, 0.7]))
@example(seed=0, size=18, then=0.7)  # an arm that leads to a shared node and skips its own `then`
def test_the_tree_runs_like_a_walk_through_the_graph(seed: int, size: int, then: float) -> None:
    random = Random(seed)  # noqa: S311 - the same graph each time
    ir_document = random_document(random, size=size, then=then)
    if parse(ir_document).ir is None:
        return

    for _ in range(5):
        choices = random_choices(random, ir_document)
        assert _executed(ir_document, choices) == Walker(ir_document, choices).steps()


@settings(deadline=None, max_examples=examples(60, 1000))
@given(seed=st.integers(0, 2**32), size=st.integers(2, 25))
def test_branches_without_then_are_always_valid(seed: int, size: int) -> None:
    random = Random(seed)  # noqa: S311 - the same graph each time

    assert parse(random_document(random, size=size, then=0)).problems == ()


def test_every_node_is_in_the_tree_once() -> None:
    ir_document, _, _ = CASES["a node that two of three arms lead to runs in either"]
    structure = parse_valid(ir_document).structure

    assert sorted(_nodes(structure.root)) == sorted(structure.locations)


def test_a_chain_of_5000_nodes_is_one_region() -> None:
    structure = parse_valid(chain(*(node(f"n{i}") for i in range(5000)))).structure

    assert len(structure.root.steps) == 5000


@pytest.mark.parametrize(("depth", "fits"), [(100, True), (101, False)])
def test_containers_can_be_nested_100_deep(depth: int, *, fits: bool) -> None:
    nodes = [branch(f"b{i}", x="1") for i in range(depth)]
    edges = [f"b{i} b{i + 1} x" for i in range(depth - 1)]

    parsed = parse(document([*nodes, node("end")], *edges, f"b{depth - 1} end x"))

    assert (parsed.ir is not None) == fits
    assert fits or "100 containers deep" in parsed.problems[0].message


def _executed(ir_document: dict[str, Any], choices: dict[str, str]) -> list[str]:
    """Return the steps that run according to the tree."""
    executed: list[str] = []
    _run(parse_valid(ir_document).structure.root, choices=choices, executed=executed, reached=set())
    return executed


def _run(
    region: Region, *, choices: dict[str, str], executed: list[str], reached: set[str]
) -> None:
    for step in region.steps:
        if step.node_id not in choices:
            executed.append(step.node_id)
        for inner in step.regions:
            if inner.label == choices.get(step.node_id):
                _run(inner, choices=choices, executed=executed, reached=reached)
        for shared in step.shared:
            if shared.steps[0].node_id in reached:
                _run(shared, choices=choices, executed=executed, reached=reached)
    reached.add(region.continues_at)


def _nodes(region: Region) -> list[str]:
    ids = [step.node_id for step in region.steps]
    for step in region.steps:
        for inner in (*step.regions, *step.shared):
            ids += _nodes(inner)
    return ids
