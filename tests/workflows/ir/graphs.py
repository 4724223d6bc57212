"""Random graphs of steps and branches, for property tests; many of them mean something, not all."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.workflows.ir.documents import branch, document, node

LABELS = "abc"


def random_document(random: Random, *, size: int, then: float) -> dict[str, Any]:
    """Return a document; `then` is how likely a branch has an edge of that name."""
    nodes, edges = [], []
    for index in range(size):
        id_ = f"n{index}"
        later = range(index + 1, min(size, index + 6))
        if index and random.random() < 0.5 and later:
            labels = LABELS[: random.randint(1, 3)]
            nodes.append(_branch(id_, labels))
            edges += [
                f"{id_} n{random.choice(later)} {label}" for label in labels if _often(random)
            ]
            edges += [f"{id_} n{random.choice(later)} then"] if random.random() < then else []
        else:
            nodes.append(node(id_, code=f"return '{id_}';"))
            edges += [f"{id_} n{random.choice(later)}"] if later and _often(random) else []
    return _only_reachable(nodes, edges)


def random_choices(random: Random, document: dict[str, Any]) -> dict[str, str]:
    """Return the arm that each branch shall take, "" for none; it is the payload of a run, too."""
    return {
        one["id"]: random.choice(["", *(arm["label"] for arm in one["data"]["branches"])])
        for one in document["nodes"]
        if one["type"] == "branch"
    }


def _branch(id_: str, labels: str) -> dict[str, Any]:
    return branch(id_, **{label: f"event.payload.{id_} === '{label}'" for label in labels})


def _often(random: Random) -> bool:
    return random.random() < 0.85


def _only_reachable(nodes: list[dict[str, Any]], edges: list[str]) -> dict[str, Any]:
    ways: dict[str, list[str]] = {}
    for edge in edges:
        source, target, *_ = edge.split()
        ways.setdefault(source, []).append(target)
    seen, waiting = {"n0"}, ["n0"]
    while waiting:
        new = set(ways.get(waiting.pop(), ())) - seen
        seen |= new
        waiting += new
    kept = [one for one in nodes if one["id"] in seen]
    return document(kept, *(edge for edge in edges if edge.split()[0] in seen))
