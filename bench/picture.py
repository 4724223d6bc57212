"""The picture of a document: against parsing and checking the same document."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bench.figures import ratio, table
from bench.graphs import SHAPES, Graph
from workflows.nodes.documents import parse, parse_valid
from workflows.picture.drawing import render
from workflows.picture.run_states import node_states

NODES, MANY = 200, 1_000
METHOD = f"""
Method: "picture" is layout, SVG and outline of a document of about {NODES} nodes that has been parsed;
"parse" is reading, checking and structuring the same document, given as JSON values. CPU seconds of
this process, which is warm; a round does one of each, in turns."""
GROWTH = f"""
Method: pictures of about {NODES} and {MANY:,} nodes, in turns; CPU seconds of this process. The
ratio is that of the times by node, times five."""
STATES = f"""
Method: as above for {MANY:,} steps in a row: "states" finds the node of each step of a run."""
MOST_BY_PARSE = 4.0
MOST_GROWTH = 6.5


def measure(*, rounds: int) -> None:
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
    pairs = _in_turns(lambda: render(ir), lambda: parse(document), rounds=rounds)
    pictures, parses = [one for one, _ in pairs], [one for _, one in pairs]
    size = len(render(ir).svg)
    table(f"{name}, {len(ir.nodes)} nodes, CPU seconds ({size:,} characters of SVG)",
          {"picture": pictures, "parse": parses})  # fmt: skip
    ratio("picture / parse", pictures, parses, limit=MOST_BY_PARSE)


def _growth(name: str, shape: Callable[[int], Graph], *, rounds: int) -> None:
    few, many = parse_valid(shape(NODES)), parse_valid(shape(MANY))
    pairs = _in_turns(lambda: render(many), lambda: render(few), rounds=rounds)
    ratio(
        f"{name}: 5 times the nodes take times",
        [5 * seconds / len(many.nodes) for seconds, _ in pairs],
        [seconds / len(few.nodes) for _, seconds in pairs],
        limit=MOST_GROWTH,
    )


def _states(document: Graph, *, rounds: int) -> None:
    ir = parse_valid(document)
    steps = [
        {"name": f"{node.name}-1", "type": "step", "success": True, "start": f"{at:06}"}
        for at, node in enumerate(ir.nodes.values())
    ]
    pairs = _in_turns(
        lambda: node_states(ir, steps, "complete"), lambda: parse(document), rounds=rounds
    )
    ratio("states / parse", [one for one, _ in pairs], [one for _, one in pairs], limit=2.0)


def _in_turns(
    one: Callable[[], Any], other: Callable[[], Any], *, rounds: int
) -> list[tuple[float, float]]:
    """Return the seconds of both; the first round warms up and is left out."""
    return [(_cpu(one), _cpu(other)) for _ in range(rounds + 1)][1:]


def _cpu(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
