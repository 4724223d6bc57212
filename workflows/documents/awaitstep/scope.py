"""What the names in AwaitStep's code mean, depending on the node that uses them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from workflows.codegen.analysis.node_names import variables_of
from workflows.documents.awaitstep.display_names import display_names, other_spelling
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.identifiers import GLOBALS, LANGUAGE_GLOBALS, RESERVED, USED_GLOBALS
from workflows.ir.tree.scope import Scopes

_RESPONSES: Final = frozenset({"http_request", "sub_script"})
_RESPONSE_MEMBERS: Final = frozenset({"status", "headers", "body"})
_INDEX: Final = "_loop_i"
_NEVER: Final = RESERVED | LANGUAGE_GLOBALS | USED_GLOBALS
"""Names that mean something else, whatever nodes are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a name stands for: the output of a node, or a part of it.

    In code it is `variable` followed by `content`, in a reference `reference` followed by `content`;
    `has_reference` is false if only code can express it. `content` is left out before the members in
    `own_members`, which our outputs have as well, and without `whole` if no member follows.
    """

    variable: str
    reference: str
    node_id: str = ""
    content: str = ""
    own_members: frozenset[str] = frozenset()
    whole: bool = True
    has_reference: bool = True

    def content_before(self, member: str) -> str:
        """Return the content before a member; "" for a use without one."""
        is_kept = member in self.own_members if member else not self.whole
        return "" if is_kept else self.content


@dataclass(slots=True)
class Scope:
    """The names of one document.

    `declared` are those that inline steps share, by name. `imported` are those that code imports, which,
    like globals, are only hidden by nodes if the document calls nodes by their names.
    """

    ir: WorkflowIR
    loop_contents: Mapping[str, str]
    imported: frozenset[str] = frozenset()
    declared: dict[str, list[Meaning]] = field(default_factory=dict)
    prefers_names: bool = False
    _scopes: Scopes = field(init=False)
    _variables: Mapping[str, str] = field(init=False)
    _by_variable: Mapping[str, str] = field(init=False)
    _by_name: dict[str, list[Meaning]] = field(init=False)
    display: Mapping[str, str] = field(init=False)
    _taken: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._scopes = Scopes(self.ir.nodes, self.ir.structure)
        self._variables = variables_of(self.ir)
        self._by_variable = {variable: id_ for id_, variable in self._variables.items()}
        self.display = display_names((node.id, node.name) for node in self.ir.nodes.values())
        self._by_name, self._taken = {}, frozenset(self.display.values())
        for node in self.ir.nodes.values():
            self._add(node)

    def _add(self, node: Node) -> None:
        if node.type.output is None:
            return
        name = self.display[node.id]
        self._by_name.setdefault(name, []).append(self.output(node, by_name=True))
        if node.type.name == "sub_workflow" and not node.settings.waits_for_result:
            self._by_name.setdefault(f"{name}_instance", []).append(self.output(node))
        other = other_spelling(node.name)
        if other not in self._taken:
            self._by_name.setdefault(other, []).append(self.output(node, by_name=True))

    def forget(self, node_id: str) -> None:
        """Take the output of a node out of the names: its code shares other ones."""
        for name in (self.display[node_id], other_spelling(self.ir.nodes[node_id].name)):
            meanings = self._by_name.get(name, [])
            self._by_name[name] = [each for each in meanings if each.node_id != node_id]

    def output(self, node: Node, *, by_name: bool = False) -> Meaning:
        """Return the meaning of a node's output, which the code calls `by_name` or as ours does.

        AwaitStep's output of a request is the content of the response, that of a loop its last value.
        """
        content, own = "", frozenset[str]()
        if node.type.name in _RESPONSES:
            content, own = ".body", _RESPONSE_MEMBERS
        elif by_name and node.id in self.loop_contents:
            content, own = self.loop_contents[node.id], frozenset({"results"})
        return Meaning(
            variable=self._variables[node.id],
            reference=node.id,
            node_id=node.id,
            content=content,
            own_members=own,
            whole=by_name,
            has_reference="(" not in content,
        )

    def part(self, node: Node, name: str) -> Meaning:
        """Return the meaning of a member of a node's output."""
        return Meaning(
            variable=f"{self._variables[node.id]}.{name}",
            reference=f"{node.id}.{name}",
            node_id=node.id,
        )

    def is_provided(self, node: Node, name: str) -> bool:
        """Whether a container around the node provides the name, such as the item of a loop."""
        return name in self._scopes.names_for(node)

    def by_variable(self, node: Node, name: str) -> Node | None:
        """Return the node that has this name in our code, if `node` can read its output."""
        id_ = self._by_variable.get(name)
        return self.ir.nodes[id_] if id_ and self._can_read(node, id_) else None

    def by_name(self, node: Node, name: str) -> Meaning | None:
        """Return what the name means in AwaitStep's code; None if it means nothing there."""
        if name == _INDEX:
            return self._index(node)
        is_other = name in GLOBALS or name in self.imported
        if name in _NEVER or (is_other and not self.prefers_names):
            return None
        known = [*self._by_name.get(name, ()), *self.declared.get(name, ())]
        readable = [each for each in known if self._can_read(node, each.node_id)]
        return readable[-1] if readable else None

    def _can_read(self, node: Node, other: str) -> bool:
        return not self._scopes.refusal(node, other)

    def loop_of(self, node: Node) -> Node | None:
        """Return the innermost loop around a node."""
        region_id, _ = self.ir.structure.locations[node.id]
        for inner in self.ir.structure.enclosing(region_id):
            owner = self.ir.nodes[self.ir.structure.regions[inner].owner]
            if owner.type.container and owner.type.container.repeats:
                return owner
        return None

    def _index(self, node: Node) -> Meaning | None:
        container = node.type.container
        is_loop = bool(container and container.rereads_settings(node.settings))
        loop = node if is_loop else self.loop_of(node)
        if loop is None:
            return None
        return Meaning(variable=loop.settings.index, reference=loop.settings.index)

    def meaning(self, node: Node, name: str) -> Meaning | None:
        """Return what a name means in this node; None if it stays as it is."""
        if self.is_provided(node, name):
            return None
        ours, theirs = self.by_variable(node, name), self.by_name(node, name)
        if ours is None or (theirs and self.prefers_names):
            return theirs
        return self.output(ours)

    def is_ambiguous(self, node: Node, name: str) -> bool:
        """Whether the name means one node here and another one in AwaitStep."""
        ours, theirs = self.by_variable(node, name), self.by_name(node, name)
        return bool(ours and theirs and theirs.node_id != ours.id)


def prefers_names(scope: Scope, uses: Iterable[tuple[Node, str]]) -> bool:
    """Whether the code of a document calls nodes by display names, and never by ids."""
    has_name = False
    for node, name in uses:
        ours, theirs = scope.by_variable(node, name), scope.by_name(node, name)
        if ours and (theirs is None):
            return False
        has_name = has_name or bool(theirs and ours is None and theirs.node_id)
    return has_name
