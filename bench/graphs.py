"""Large documents of different shapes, for the tree builder, the checks and the generator."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.workflows.ir.documents import branch, document, node

Graph = dict[str, Any]

CODE = """\
const response = await fetch(`https://api.example.com/orders/${event.payload.id}`);
if (!response.ok) {
  throw new NonRetryableError(`order ${event.payload.id}: ${response.status}`);
}
const order: any = await response.json();
return { id: order.id, total: order.lines.reduce((sum, line) => sum + line.price, 0) };
"""
_DEPTH = 100


def chain(size: int, code: str = "") -> Graph:
    """A sequence of steps, each of which reads the one before."""
    nodes = [_step(0, code=code or "return { at: 0 };")]
    nodes += [_step(at, code=code or f"return {{{{ n{at - 1} }}}};") for at in range(1, size)]
    return document(nodes, *(f"n{at} n{at + 1}" for at in range(size - 1)))


def sequential_branches(size: int) -> Graph:
    """A sequence of branches with two arms and a join."""
    nodes, edges = [], []
    for at in range(size // 4):
        nodes += [branch(f"b{at}", yes="event.payload.n > 1", no=""), _step(f"y{at}")]
        nodes += [_step(f"z{at}"), _step(f"j{at}")]
        edges += [f"b{at} y{at} yes", f"b{at} z{at} no", f"y{at} j{at}", f"z{at} j{at}"]
        edges += [f"j{at} b{at + 1}"] if at + 1 < size // 4 else []
    return document(nodes, *edges)


def nested_branches(size: int) -> Graph:
    """A sequence of nests of 100 branches, with a step in the other arm of each branch."""
    nodes, edges = [], []
    for nest in range(size // _DEPTH // 2):
        ids = [f"b{nest}_{at}" for at in range(_DEPTH)]
        for id_ in ids:
            nodes += [branch(id_, yes="event.payload.n > 1", no=""), _step(f"s{id_}")]
        edges += [f"{outer} {inner} yes" for outer, inner in pairwise(ids)]
        edges += [f"{id_} s{id_} no" for id_ in ids]
        edges += [f"b{nest - 1}_0 b{nest}_0 then"] if nest else []
    return document(nodes, *edges)


def loops(size: int) -> Graph:
    """A sequence of nests of three loops around a step that reads all their items."""
    nodes, edges = [], []
    for at in range(size // 4):
        ids = [f"l{at}_{depth}" for depth in range(3)]
        nodes += [
            node(id_, "loop", collection="[1, 2]", itemVar=f"item{depth}", indexVar=f"i{depth}")
            for depth, id_ in enumerate(ids)
        ]
        nodes.append(_step(f"s{at}", code="return [{{ item0 }}, {{ item1 }}, {{ item2 }}];"))
        edges += [f"{ids[0]} {ids[1]} body", f"{ids[1]} {ids[2]} body", f"{ids[2]} s{at} body"]
        edges += [f"l{at - 1}_0 l{at}_0 then"] if at else []
    return document(nodes, *edges)


def arms(size: int) -> Graph:
    """A sequence of nodes with two parallel arms."""
    nodes, edges = [], []
    for at in range(size // 3):
        nodes += [node(f"p{at}", "parallel"), _step(f"a{at}"), _step(f"b{at}")]
        edges += [f"p{at} a{at} a", f"p{at} b{at} b"]
        edges += [f"p{at - 1} p{at} then"] if at else []
    return document(nodes, *edges)


def fan(size: int) -> Graph:
    """One branch with many arms; every three arms share a node."""
    count = size // 4 * 3
    arms_of = {f"arm{at}": f"event.payload.n === {at}" for at in range(count)}
    nodes = [branch("b", **arms_of), _step("j")]
    edges = []
    for at in range(count):
        nodes.append(_step(f"a{at}"))
        edges += [f"b a{at} arm{at}", f"a{at} s{at // 3}"]
    for at in range((count + 2) // 3):
        nodes.append(_step(f"s{at}"))
        edges.append(f"s{at} j")
    return document(nodes, *edges)


def ladder(size: int) -> Graph:
    """One branch whose arms lead to rungs; each rung leads to the next one and reads the first."""
    count = size // 2
    nodes = [branch("b", **{f"arm{at}": f"event.payload.n === {at}" for at in range(count)})]
    nodes.append(_step("r0"))
    edges = []
    for at in range(count):
        nodes.append(_step(f"a{at}"))
        edges += [f"b a{at} arm{at}", f"a{at} r{at}"]
        if at:
            nodes.append(_step(f"r{at}", code="return {{ r0 }};"))
            edges.append(f"r{at - 1} r{at}")
    return document(nodes, *edges)


def deep_exits(size: int) -> Graph:
    """Many arms at the bottom of a nest, which lead to a node that the outermost arms share."""
    depth = _DEPTH - 2
    count = size - depth - 2
    ids = [f"b{at}" for at in range(depth)]
    nodes = [branch(id_, deep="event.payload.n > 1", out="") for id_ in ids[:-1]]
    nodes.append(
        branch(ids[-1], **{f"arm{at}": f"event.payload.n === {at}" for at in range(count)})
    )
    edges = [f"{outer} {inner} deep" for outer, inner in pairwise(ids)]
    edges += ["b0 s out", "s end"]
    for at in range(count):
        nodes.append(_step(f"a{at}"))
        edges += [f"{ids[-1]} a{at} arm{at}", *([f"a{at} s"] if at else [])]
    return document([*nodes, _step("s"), _step("end")], *edges)


SHAPES: dict[str, Callable[[int], Graph]] = {
    "chain": chain,
    "sequential branches": sequential_branches,
    "nested branches (100 deep)": nested_branches,
    "loops in loops": loops,
    "parallel arms": arms,
    "arms that share nodes": fan,
    "arms that lead to a ladder": ladder,
    "exits of a deep nest": deep_exits,
}


def _step(at: int | str, *, code: str = "return { ok: true };") -> Graph:
    id_ = f"n{at}" if isinstance(at, int) else at
    return node(id_, code=code, name=f"Step {id_}")
