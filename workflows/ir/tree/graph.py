"""The graph of a document: order, cycles, reachability, post-dominators. Iterative, near-linear."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

Successors = Mapping[str, Sequence[str]]


def topological_order(nodes: Iterable[str], successors: Successors) -> list[str]:
    """Return the nodes, each after all that lead to it; those on or behind a cycle are left out."""
    waiting_for = dict.fromkeys(nodes, 0)
    for source in waiting_for:
        for target in successors[source]:
            waiting_for[target] += 1
    ready = deque(node for node, count in waiting_for.items() if not count)
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for target in successors[node]:
            waiting_for[target] -= 1
            if not waiting_for[target]:
                ready.append(target)
    return order


def on_cycles(nodes: Sequence[str], successors: Successors) -> list[str]:
    """Return the nodes that no order can hold and that lead back to themselves or to such nodes."""
    left = set(nodes) - set(topological_order(nodes, successors))
    backwards: dict[str, list[str]] = {node: [] for node in left}
    for source in left:
        for target in successors[source]:
            if target in left:
                backwards[target].append(source)
    behind = set(topological_order(left, backwards))
    return [node for node in nodes if node in left and node not in behind]


def reachable(start: str, successors: Successors) -> set[str]:
    seen = {start}
    waiting = [start]
    while waiting:
        for target in successors[waiting.pop()]:
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


class PostDominators:
    """The immediate post-dominator of each node of an acyclic graph.

    A tree that grows from the end of the graph backwards. Each node keeps a pointer that jumps over
    many of its ancestors (Myers' skew-binary jump pointers), so that the nearest common ancestor of
    two nodes is found in logarithmic time.
    """

    END = ""  # the end of the run, which follows every node that leads nowhere

    def __init__(self, order: Sequence[str], successors: Successors) -> None:
        self._depth = {self.END: 0}
        self._parent = {self.END: self.END}
        self._jump = {self.END: self.END}
        for node in reversed(order):
            self._attach(node, self._common(successors[node]))

    def of(self, node: str) -> str | None:
        """Return the first node that every path from this one goes through, None for the end."""
        return self._parent[node] or None

    def _attach(self, node: str, parent: str) -> None:
        jump, depth = self._jump, self._depth
        over = jump[parent]
        even = depth[parent] - depth[over] == depth[over] - depth[jump[over]]
        self._parent[node] = parent
        depth[node] = depth[parent] + 1
        jump[node] = jump[over] if even else parent

    def _common(self, nodes: Sequence[str]) -> str:
        if not nodes:
            return self.END
        common = nodes[0]
        for node in nodes[1:]:
            common = self._nearest(common, node)
        return common

    def _nearest(self, one: str, other: str) -> str:
        depth, parent, jump = self._depth, self._parent, self._jump
        if depth[one] < depth[other]:
            one, other = other, one
        while depth[one] > depth[other]:
            one = jump[one] if depth[jump[one]] >= depth[other] else parent[one]
        while one != other:
            if jump[one] != jump[other]:
                one, other = jump[one], jump[other]
            else:
                one, other = parent[one], parent[other]
        return one
