"""What any graph does, said as a token that walks from node to node; it knows no regions.

It shares nothing with the code that it is held against: a container's end is wherever its ways meet.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.workflows.ir.documents import Document, branch, document, node
from tests.workflows.ir.walker import END, Walker

ARMS = {"loop": ["body"], "try_catch": ["try", "catch"], "parallel": ["x", "y"]}
TIMES = 2


class Token:
    """Walks one document; `ran` are the names of the steps, in the order of edges."""

    def __init__(self, drawn: Document, choices: dict[str, str]) -> None:
        self.ran: list[str] = []
        self._walker = Walker(drawn, choices)
        self._types = {one["id"]: one["type"] for one in drawn["nodes"]}
        self._indices: list[int] = []

    def walk(self, here: str, stops: frozenset[str] = frozenset({END})) -> None:
        """Walk until the way ends, or comes to where a container around goes on."""
        while here not in stops:
            here = self._pass(here, stops)

    def _pass(self, here: str, stops: frozenset[str]) -> str:
        ways = self._walker.edges[here]
        match self._types[here]:
            case "step":
                counted = "".join(f"[{index}]" for index in self._indices)
                self.ran.append(f"{here} {counted}".strip())
                return ways.get("then", END)
            case "branch":
                arms = [self._walker.choices[here]]
            case "loop":
                arms = ["body"] * TIMES
            case "try_catch":
                arms = ["try"]
            case _:
                arms = [label for label in ways if label != "then"]
        join = self._walker.join(here)
        for turn, label in enumerate(arms):
            self._indices += [turn] if self._types[here] == "loop" else []
            self.walk(ways.get(label, END), stops | {join})
            self._indices = self._indices[:-1] if self._types[here] == "loop" else self._indices
        return join


def random_graph(random: Random, *, size: int) -> Document:
    """Return a graph of every container that a token can walk; few of them mean something."""
    nodes: list[dict[str, Any]] = []
    edges: list[str] = []
    for index in range(size):
        id_, later = f"n{index}", [f"n{at}" for at in range(index + 1, min(size, index + 5))]
        kind = random.choice(["step", "step", "step", "branch", "loop", "try_catch", "parallel"])
        if kind == "step" or not later:
            nodes.append(node(id_, code=f"return '{id_}';"))
            edges += [f"{id_} {random.choice(later)}"] if later and random.random() < 0.9 else []
            continue
        labels = ARMS.get(kind, ["a", "b"])
        nodes.append(_container(id_, kind))
        edges += [f"{id_} {random.choice(later)} {label}" for label in labels]
        edges += [f"{id_} {random.choice(later)} then"] if random.random() < 0.4 else []
    return _reached(nodes, edges)


def _container(id_: str, kind: str) -> dict[str, Any]:
    if kind == "branch":
        return branch(id_, **{label: f"event.payload.{id_} === '{label}'" for label in "ab"})
    settings: dict[str, Any] = {"loopType": "times", "count": TIMES} if kind == "loop" else {}
    return node(id_, kind, **settings)


def _reached(nodes: list[dict[str, Any]], edges: list[str]) -> Document:
    seen = {"n0"}
    for edge in edges:  # edges lead forwards, so that one pass finds all
        source, target, *_ = edge.split()
        seen |= {target} if source in seen else set()
    kept = [one for one in nodes if one["id"] in seen]
    return document(kept, *(edge for edge in edges if edge.split()[0] in seen))
