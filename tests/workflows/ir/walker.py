"""What a graph of steps and branches does, said a second time: a token that walks from node to node.

It knows no regions and no tree, so that it cannot share a mistake with the code it is held against.
"""

from __future__ import annotations

from typing import Any

END = ""


class Walker:
    """`choices` gives the label of the arm that each branch takes, "" where none is true."""

    def __init__(self, document: dict[str, Any], choices: dict[str, str]) -> None:
        self.edges: dict[str, dict[str, str]] = {one["id"]: {} for one in document["nodes"]}
        for edge in document["edges"]:
            self.edges[edge["source"]][edge.get("label", "then")] = edge["target"]
        self.branches = {one["id"] for one in document["nodes"] if one["type"] == "branch"}
        self.choices = choices
        self.entry = document["entryNodeId"]
        self._after: dict[str, frozenset[str]] = {}

    def steps(self) -> list[str]:
        """Return the ids of the steps that run, in order."""
        ran: list[str] = []
        around: list[str] = []  # the joins of the branches that the token is in, END for none
        here = self.entry
        while here != END:
            if here in self.branches:
                around.append(self.join(here))
                here = self.edges[here].get(self.choices[here], END)
            else:
                ran.append(here)
                here = self.edges[here].get("then", END)
            here = _land(here, around)
        return ran

    def join(self, branch: str) -> str:
        arms = {label: to for label, to in self.edges[branch].items() if label != "then"}
        if "then" in self.edges[branch]:
            return self.edges[branch]["then"]
        after = self.always_after(branch) - {branch, END} if len(arms) > 1 else frozenset()
        return max(after, key=lambda one: len(self.always_after(one)), default=END)

    def always_after(self, node: str) -> frozenset[str]:
        """Return the node and all that every path from it goes through."""
        if node not in self._after:
            ways = self.edges[node]
            targets = [ways["then"]] if "then" in ways else list(ways.values())
            sets = [self.always_after(target) for target in targets]
            self._after[node] = frozenset({node}) | (
                frozenset.intersection(*sets) if sets else frozenset({END})
            )
        return self._after[node]


def _land(here: str, around: list[str]) -> str:
    """Leave the branches that end where the token is, or that the end of a way ends."""
    while around and here == END:
        here = around.pop()
    while here != END and here in around:
        around.pop()
    return here
