"""A second implementation of graphs of steps and branches: a token that moves from node to node.

It knows neither regions nor a tree, so that it cannot have the same bugs as the code under test.
"""

from __future__ import annotations

from typing import Any

END = ""


class Walker:
    """`choices` maps each branch to the label of its arm, "" if no condition is true."""

    def __init__(self, document: dict[str, Any], choices: dict[str, str]) -> None:
        self.edges: dict[str, dict[str, str]] = {node["id"]: {} for node in document["nodes"]}
        for edge in document["edges"]:
            self.edges[edge["source"]][edge.get("label", "then")] = edge["target"]
        self.branches = {node["id"] for node in document["nodes"] if node["type"] == "branch"}
        self.choices = choices
        self.entry = document["entryNodeId"]
        self._after: dict[str, frozenset[str]] = {}

    def steps(self) -> list[str]:
        """Return the ids of the steps that run, in order."""
        executed: list[str] = []
        joins: list[str] = []  # of the branches around the token, END for none
        current = self.entry
        while current != END:
            if current in self.branches:
                joins.append(self.join(current))
                current = self.edges[current].get(self.choices[current], END)
            else:
                executed.append(current)
                current = self.edges[current].get("then", END)
            current = _leave_branches(current, joins)
        return executed

    def join(self, branch: str) -> str:
        arms = {label: target for label, target in self.edges[branch].items() if label != "then"}
        if "then" in self.edges[branch]:
            return self.edges[branch]["then"]
        after = self.always_after(branch) - {branch, END} if len(arms) > 1 else frozenset()
        return max(after, key=lambda node: len(self.always_after(node)), default=END)

    def always_after(self, node: str) -> frozenset[str]:
        """Return the node and all nodes that every path from it passes."""
        if node not in self._after:
            edges = self.edges[node]
            targets = [edges["then"]] if "then" in edges else list(edges.values())
            sets = [self.always_after(target) for target in targets]
            self._after[node] = frozenset({node}) | (
                frozenset.intersection(*sets) if sets else frozenset({END})
            )
        return self._after[node]


def _leave_branches(current: str, joins: list[str]) -> str:
    """Leave all branches whose join is reached, or that end because their path ends."""
    while joins and current == END:
        current = joins.pop()
    while current != END and current in joins:
        joins.pop()
    return current
