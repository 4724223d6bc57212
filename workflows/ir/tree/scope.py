"""Which names a reference may use, depending on where it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Structure
from workflows.ir.reading.fields import Field, parameters_of
from workflows.ir.reading.problems import Problem, Severity, quoted
from workflows.ir.reading.references import Reference
from workflows.ir.tree.flow import Flow

ROOTS: Final = ("trigger", "event", "env")


def check_known(
    nodes: Mapping[str, Node], ids: Collection[str], flows: Mapping[str, Flow]
) -> Iterator[Problem]:
    """Yield references to unknown names: the only check of references that needs no tree."""
    known = {*ids, *ROOTS}
    for node in nodes.values():
        if node.type.container:
            for arm in flows[node.id].arms:
                known.update(node.type.container.inner_names(node.settings, arm.label))
            known.update(node.type.container.own_names(node.settings))
    for node in nodes.values():
        for field in node.fields:
            for reference in field.references:
                if reference.root not in known and reference.root not in parameters_of(field):
                    path = f"{node.path}.{field.path}"
                    yield Problem(
                        path=path, message=_unknown_message(reference.root), node_id=node.id
                    )


def _unknown_message(root: str) -> str:
    return f"no node has the id {quoted(root)}: refer to a node before this one"


def _out_of_scope_message(root: str, container_id: str) -> str:
    return f"{quoted(root)} is only available inside the regions of {quoted(container_id)}: use it there"


class Scopes:
    """Resolves references: to a node before them, a root, or a name that a region provides."""

    def __init__(self, nodes: Mapping[str, Node], structure: Structure) -> None:
        self._nodes = nodes
        self._structure = structure
        self._names: dict[int, frozenset[str]] = {}

    @cached_property
    def _providers(self) -> dict[str, str]:
        """The containers that provide names inside their regions, by name."""
        return {
            name: region.owner
            for region_id, region in enumerate(self._structure.regions)
            for name in self.inner_names(region_id)
        }

    @cached_property
    def provided_names(self) -> frozenset[str]:
        """All names that containers define, for their regions or for their own settings."""
        names = set(self._providers)
        for id_ in {region.owner for region in self._structure.regions if region.owner}:
            container = self._nodes[id_].type.container
            names.update(container.own_names(self._nodes[id_].settings) if container else ())
        return frozenset(names)

    @property
    def hidden(self) -> set[str]:
        """The nodes whose id is also a name that a region around them provides."""
        locations = self._structure.locations
        return {id_ for id_ in self._nodes if id_ in self.names_in(locations[id_][0])}

    def names_in(self, region_id: int) -> frozenset[str]:
        """Return the names that a region and those around it provide, such as a loop's item."""
        if region_id not in self._names:
            region = self._structure.regions[region_id]
            inherited = self.names_in(region.parent) if region.owner else frozenset()
            self._names[region_id] = inherited | frozenset(self.inner_names(region_id))
        return self._names[region_id]

    def inner_names(self, region_id: int) -> tuple[str, ...]:
        """Return the names that a region itself provides."""
        region = self._structure.regions[region_id]
        owner = self._nodes[region.owner] if region.owner else None
        container = owner.type.container if owner else None
        return container.inner_names(owner.settings, region.label) if owner and container else ()

    def names_for(self, node: Node) -> frozenset[str]:
        """Return the names that a node's settings can use, apart from the outputs of nodes."""
        region_id, _ = self._structure.locations[node.id]
        container = node.type.container
        own = container.own_names(node.settings) if container else ()
        return self.names_in(region_id) | frozenset(own)

    def check(self) -> Iterator[Problem]:
        """Yield the problems with all references, and with node ids that hide a root."""
        for node in self._nodes.values():
            if node.id in ROOTS:
                yield Problem(
                    path=f"{node.path}.id",
                    message=f"hides the {node.id} of the run: {{{{ {node.id} }}}} refers to this node in "
                    "the whole document, so give the node a different id",
                    node_id=node.id,
                    severity=Severity.WARNING,
                )
            for field in node.fields:
                for reference in field.references:
                    yield from self.check_reference(node, reference, field)

    def check_reference(self, node: Node, reference: Reference, field: Field) -> Iterator[Problem]:
        """Yield the problem with a reference in a field of the node."""
        root, path = reference.root, f"{node.path}.{field.path}"
        if root in self.names_for(node) or root in parameters_of(field):
            return
        if root in ROOTS and root not in self._nodes:
            return
        refusal = self.refusal(node, root)
        if refusal:
            yield Problem(path=path, message=refusal, node_id=node.id)
        elif self._nodes[root].type.output is None:
            yield Problem(
                path=path,
                message=f"{quoted(root)} ({self._nodes[root].type.name}) has no output: "
                "the reference is undefined, so remove it",
                node_id=node.id,
                severity=Severity.WARNING,
            )

    def refusal(self, node: Node, root: str) -> str:
        """Return why the node cannot use the output of another node, "" if it can."""
        if root == node.id:
            return f"refers to itself, but {quoted(root)} has no output before it has run: use another node"
        if root not in self._nodes:
            provider = self._providers.get(root)
            return _out_of_scope_message(root, provider) if provider else _unknown_message(root)
        if not self.can_read(node, root):
            return f"{quoted(root)} does not run before {quoted(node.id)}: refer to a node before this one"
        return ""

    def can_read(self, node: Node, other: str) -> bool:
        """Whether the other node can have run when the settings of this one are read."""
        container = node.type.container
        rereads = container is not None and container.rereads_settings(node.settings)
        if rereads and self._structure.is_inside(other, node.id):
            return True
        return self._structure.precedes(other, node.id)
