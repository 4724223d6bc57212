"""Random graphs of steps and branches for property tests; many of them are valid, but not all."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.workflows.ir.documents import branch, document, node

LABELS = "abc"


def random_document(random: Random, *, size: int, then: float) -> dict[str, Any]:
    """Return a document; `then` is the probability that a branch has a `then` edge."""
    nodes, edges = [], []
    for index in range(size):
        id_ = f"n{index}"
        later = range(index + 1, min(size, index + 6))
        if index and random.random() < 0.5 and later:
            labels = LABELS[: random.randint(1, 3)]
            nodes.append(_branch(id_, labels))
            edges += [
                f"{id_} n{random.choice(later)} {label}" for label in labels if _probably(random)
            ]
            edges += [f"{id_} n{random.choice(later)} then"] if random.random() < then else []
        else:
            nodes.append(node(id_, code=f"return '{id_}';"))
            edges += [f"{id_} n{random.choice(later)}"] if later and _probably(random) else []
    return _only_reachable(nodes, edges)


def random_choices(random: Random, document: dict[str, Any]) -> dict[str, str]:
    """Return the arm that each branch takes, "" for none; it is also the payload of a run."""
    return {
        item["id"]: random.choice(["", *(arm["label"] for arm in item["data"]["branches"])])
        for item in document["nodes"]
        if item["type"] == "branch"
    }


def _branch(id_: str, labels: str) -> dict[str, Any]:
    return branch(id_, **{label: f"event.payload.{id_} === '{label}'" for label in labels})


def _probably(random: Random) -> bool:
    return random.random() < 0.85


def _only_reachable(nodes: list[dict[str, Any]], edges: list[str]) -> dict[str, Any]:
    targets: dict[str, list[str]] = {}
    for edge in edges:
        source, target, *_ = edge.split()
        targets.setdefault(source, []).append(target)
    seen, stack = {"n0"}, ["n0"]
    while stack:
        new = set(targets.get(stack.pop(), ())) - seen
        seen |= new
        stack += new
    kept = [item for item in nodes if item["id"] in seen]
    return document(kept, *(edge for edge in edges if edge.split()[0] in seen))
