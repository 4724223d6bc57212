"""Runs any graph as a token that walks from node to node, without regions.

It shares no logic with the code under test: a container ends where its paths meet.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tests.workflows.ir.documents import Document, branch, document, node
from tests.workflows.ir.walker import END, Walker

ARMS = {"loop": ["body"], "try_catch": ["try", "catch"], "parallel": ["x", "y"]}
TIMES = 2


class Token:
    """Walks a document; `steps` are the names of its steps, in the order of edges."""

    def __init__(self, workflow: Document, choices: dict[str, str]) -> None:
        self.steps: list[str] = []
        self._walker = Walker(workflow, choices)
        self._types = {node["id"]: node["type"] for node in workflow["nodes"]}
        self._indices: list[int] = []

    def walk(self, node_id: str, stops: frozenset[str] = frozenset({END})) -> None:
        """Walk until the path ends or reaches the point where a surrounding container continues."""
        while node_id not in stops:
            node_id = self._visit(node_id, stops)

    def _visit(self, node_id: str, stops: frozenset[str]) -> str:
        targets = self._walker.edges[node_id]
        match self._types[node_id]:
            case "step":
                counted = "".join(f"[{index}]" for index in self._indices)
                self.steps.append(f"{node_id} {counted}".strip())
                return targets.get("then", END)
            case "branch":
                arms = [self._walker.choices[node_id]]
            case "loop":
                arms = ["body"] * TIMES
            case "try_catch":
                arms = ["try"]
            case _:
                arms = [label for label in targets if label != "then"]
        join = self._walker.join(node_id)
        for turn, label in enumerate(arms):
            self._indices += [turn] if self._types[node_id] == "loop" else []
            self.walk(targets.get(label, END), stops | {join})
            self._indices = self._indices[:-1] if self._types[node_id] == "loop" else self._indices
        return join


def random_graph(random: Random, *, size: int) -> Document:
    """Return a random graph of containers that a token can walk; few of them are valid."""
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
    for edge in edges:  # edges lead forward, so one pass is enough
        source, target, *_ = edge.split()
        seen |= {target} if source in seen else set()
    reached = [node for node in nodes if node["id"] in seen]
    return document(reached, *(edge for edge in edges if edge.split()[0] in seen))
