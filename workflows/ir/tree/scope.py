"""Which names a reference may use where it stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure
from workflows.ir.reading.problems import Problem, Severity, quoted
from workflows.ir.reading.references import Reference
from workflows.ir.tree.flow import Flow

ROOTS: Final = ("trigger", "event", "env")


def check_known(
    nodes: Mapping[str, Node], ids: Collection[str], flows: Mapping[str, Flow]
) -> Iterator[Problem]:
    """Report references to what is not there: all that can be said without a structure."""
    known = {*ids, *ROOTS}
    for node in nodes.values():
        if node.type.container:
            for arm in flows[node.id].arms:
                known.update(node.type.container.inner_names(node.settings, arm.label))
            known.update(node.type.container.own_names(node.settings))
    for node in nodes.values():
        for field in node.fields:
            for reference in field.references:
                if reference.root not in known:
                    path = f"{node.path}.{field.path}"
                    yield Problem(path=path, message=_unknown(reference.root), node_id=node.id)


def _unknown(root: str) -> str:
    return f"no node has the id {quoted(root)}: refer to a node before this one"


def _elsewhere(root: str, giver: str) -> str:
    return f"{quoted(root)} is known inside the regions of {quoted(giver)} alone: use it there"


class Scopes:
    """What a reference resolves to: a node before it, a root, or a name of a region around it."""

    def __init__(self, nodes: Mapping[str, Node], structure: Structure) -> None:
        self._nodes = nodes
        self._structure = structure
        self._names: dict[int, frozenset[str]] = {}

    @cached_property
    def _givers(self) -> dict[str, str]:
        """The containers that give names to what is inside them, by those names."""
        places = range(1, len(self._structure.regions))
        owners = {place: self._structure.regions[place].owner for place in places}
        return {name: owners[place] for place in places for name in self.given(place)}

    def names_at(self, place: int) -> frozenset[str]:
        """Return the names that the regions around the place give: a loop's item, a catch's err."""
        if place not in self._names:
            here = self._structure.regions[place]
            inherited = self.names_at(here.parent) if here.owner else frozenset()
            self._names[place] = inherited | frozenset(self.given(place))
        return self._names[place]

    def given(self, place: int) -> tuple[str, ...]:
        """Return the names that a region itself gives to what is inside it."""
        here = self._structure.regions[place]
        owner = self._nodes[here.owner] if here.owner else None
        container = owner.type.container if owner else None
        return container.inner_names(owner.settings, here.label) if owner and container else ()

    def names_for(self, node: Node) -> frozenset[str]:
        """Return the names that the settings of a node see beside the outputs of nodes."""
        place, _ = self._structure.locations[node.id]
        container = node.type.container
        own = container.own_names(node.settings) if container else ()
        return self.names_at(place) | frozenset(own)

    def check(self) -> Iterator[Problem]:
        for node in self._nodes.values():
            if node.id in ROOTS:
                yield Problem(
                    path=f"{node.path}.id",
                    message=f"{{{{ {node.id} }}}} means this node in the whole document, and no longer "
                    f"the {node.id} of the run: give the node another id",
                    node_id=node.id,
                    severity=Severity.WARNING,
                )
            for field in node.fields:
                for reference in field.references:
                    yield from self._check(node, reference, f"{node.path}.{field.path}")

    def _check(self, node: Node, reference: Reference, path: str) -> Iterator[Problem]:
        root = reference.root
        if root in self.names_for(node) or (root in ROOTS and root not in self._nodes):
            return
        refusal = self.refusal(node, root)
        if refusal:
            yield Problem(path=path, message=refusal, node_id=node.id)
        elif self._nodes[root].type.output is None:
            yield Problem(
                path=path,
                message=f"{quoted(root)} ({self._nodes[root].type.name}) has no output: "
                "the reference is undefined",
                node_id=node.id,
                severity=Severity.WARNING,
            )

    def refusal(self, node: Node, root: str) -> str:
        """Return why the node cannot use the output of the other one, "" if it can."""
        if root == node.id:
            return f"refers to itself: {quoted(root)} has no output before it has run"
        if root not in self._nodes:
            giver = self._givers.get(root)
            return _elsewhere(root, giver) if giver else _unknown(root)
        if not self.can_read(node, root):
            return f"{quoted(root)} does not come before {quoted(node.id)}: it has no output there"
        return ""

    def can_read(self, node: Node, other: str) -> bool:
        """Whether the other node can have run when the settings of this one are read."""
        container = node.type.container
        is_read_again = container is not None and container.rereads_settings(node.settings)
        if is_read_again and self._structure.is_inside(other, node.id):
            return True
        return self._structure.precedes(other, node.id)
