"""Pictures of documents, compared with parsing and checking the same document."""

from __future__ import annotations

from collections.abc import Callable

from bench.figures import alternate, cpu_seconds, ratio, table
from bench.graphs import SHAPES, Graph
from workflows.nodes.documents import parse, parse_valid
from workflows.picture.drawing import render
from workflows.picture.run_states import node_states

NODES, MANY = 200, 1_000
METHOD = f"""
Method: "picture" is the layout, SVG and outline of a parsed document with about {NODES} nodes; "parse"
is reading, checking and structuring the same document from JSON values. CPU seconds of this process,
after a warm-up; each round does one of each."""
GROWTH = f"""
Method: pictures with about {NODES} and {MANY:,} nodes, alternating; CPU seconds of this process. The
ratio is that of the times per node, multiplied by five."""
STATES = f"""
Method: as above, for a sequence of {MANY:,} steps; "states" finds the node of each step of a run."""
MAX_PER_PARSE = 4.0
MAX_GROWTH = 6.5


def measure(*, rounds: int) -> None:
    """Time pictures, their growth with the number of nodes, and the states of nodes."""
    print(METHOD)
    for name, shape in SHAPES.items():
        _against_parse(name, shape(NODES), rounds=rounds)
    print(GROWTH)
    for name, shape in SHAPES.items():
        _growth(name, shape, rounds=rounds)
    print(STATES)
    _states(SHAPES["chain"](MANY), rounds=rounds)


def _against_parse(name: str, document: Graph, *, rounds: int) -> None:
    ir = parse_valid(document)
    pairs = _alternate_cpu(lambda: render(ir), lambda: parse(document), rounds=rounds)
    pictures, parses = zip(*pairs, strict=True)
    size = len(render(ir).svg)
    table(f"{name}, {len(ir.nodes)} nodes, CPU seconds ({size:,} characters of SVG)",
          {"picture": pictures, "parse": parses})  # fmt: skip
    ratio("picture / parse", pictures, parses, limit=MAX_PER_PARSE)


def _growth(name: str, shape: Callable[[int], Graph], *, rounds: int) -> None:
    few, many = parse_valid(shape(NODES)), parse_valid(shape(MANY))
    pairs = _alternate_cpu(lambda: render(many), lambda: render(few), rounds=rounds)
    ratio(
        f"{name}: time for 5 times the nodes",
        [5 * seconds / len(many.nodes) for seconds, _ in pairs],
        [seconds / len(few.nodes) for _, seconds in pairs],
        limit=MAX_GROWTH,
    )


def _states(document: Graph, *, rounds: int) -> None:
    ir = parse_valid(document)
    steps = [
        {"name": f"{node.name}-1", "type": "step", "success": True, "start": f"{at:06}"}
        for at, node in enumerate(ir.nodes.values())
    ]
    pairs = _alternate_cpu(
        lambda: node_states(ir, steps, "complete"), lambda: parse(document), rounds=rounds
    )
    ratio("states / parse", *zip(*pairs, strict=True), limit=2.0)


def _alternate_cpu(
    first: Callable[[], object], second: Callable[[], object], *, rounds: int
) -> list[tuple[float, float]]:
    return alternate(lambda: cpu_seconds(first), lambda: cpu_seconds(second), rounds=rounds)
