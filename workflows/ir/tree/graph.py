"""Graph algorithms: order, cycles, reachability, post-dominators; iterative and near-linear."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

Successors = Mapping[str, Sequence[str]]


def topological_order(nodes: Iterable[str], successors: Successors) -> list[str]:
    """Return the nodes, each after all its predecessors, without those on or after a cycle."""
    remaining = dict.fromkeys(nodes, 0)
    for source in remaining:
        for target in successors[source]:
            remaining[target] += 1
    ready = deque(node for node, count in remaining.items() if not count)
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for target in successors[node]:
            remaining[target] -= 1
            if not remaining[target]:
                ready.append(target)
    return order


def on_cycles(nodes: Sequence[str], successors: Successors) -> list[str]:
    """Return the nodes that are on cycles, or on paths from one cycle to another."""
    unordered = set(nodes) - set(topological_order(nodes, successors))
    backwards: dict[str, list[str]] = {node: [] for node in unordered}
    for source in unordered:
        for target in successors[source]:
            if target in unordered:
                backwards[target].append(source)
    after_cycles = set(topological_order(unordered, backwards))
    return [node for node in nodes if node in unordered and node not in after_cycles]


def reachable(start: str, successors: Successors) -> set[str]:
    """Return the start and all nodes that it leads to."""
    seen = {start}
    stack = [start]
    while stack:
        for target in successors[stack.pop()]:
            if target not in seen:
                seen.add(target)
                stack.append(target)
    return seen


class PostDominators:
    """The immediate post-dominator of each node of an acyclic graph.

    The tree is built backwards from the end of the graph. Each node has a pointer that skips many of
    its ancestors (Myers' skew-binary jump pointers), so that the nearest common ancestor of two nodes
    is found in logarithmic time.
    """

    END = ""  # the end of the run, after every node without successors

    def __init__(self, order: Sequence[str], successors: Successors) -> None:
        self._depth = {self.END: 0}
        self._parent = {self.END: self.END}
        self._jump = {self.END: self.END}
        for node in reversed(order):
            self._attach(node, self._common(successors[node]))

    def of(self, node: str) -> str | None:
        """Return the first node that every path from this one passes through, None for the end."""
        return self._parent[node] or None

    def _attach(self, node: str, parent: str) -> None:
        jump, depth = self._jump, self._depth
        skipped = jump[parent]
        is_even = depth[parent] - depth[skipped] == depth[skipped] - depth[jump[skipped]]
        self._parent[node] = parent
        depth[node] = depth[parent] + 1
        jump[node] = jump[skipped] if is_even else parent

    def _common(self, nodes: Sequence[str]) -> str:
        if not nodes:
            return self.END
        common = nodes[0]
        for node in nodes[1:]:
            common = self._nearest(common, node)
        return common

    def _nearest(self, first: str, second: str) -> str:
        depth, parent, jump = self._depth, self._parent, self._jump
        if depth[first] < depth[second]:
            first, second = second, first
        while depth[first] > depth[second]:
            first = jump[first] if depth[jump[first]] >= depth[second] else parent[first]
        while first != second:
            if jump[first] != jump[second]:
                first, second = jump[first], jump[second]
            else:
                first, second = parent[first], parent[second]
        return first
