"""The document as immutable values, and readers of its metadata, nodes and edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.document.node_types import NodeType
from workflows.ir.document.region_tree import Structure
from workflows.ir.document.registry import Registry
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.fields import Code, Field
from workflows.ir.reading.names import is_visible, stored_name_problem
from workflows.ir.reading.problems import Problem, listed, quoted
from workflows.ir.reading.reader import Reader

MAX_NODES: Final = 10_000
MAX_EDGES: Final = 50_000
MAX_ID_LENGTH: Final = 256
_NUMBERS: Final = frozenset({int, float})


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The name and the version of a document; the times are as they were written."""

    name: str
    description: str
    version: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A connection from one node to the next; `label` is "" if it has none."""

    id: str
    source: str
    target: str
    label: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node with its settings; `fields` are those with code, text or JSON."""

    id: str
    type: NodeType
    name: str
    settings: Any
    fields: tuple[Field, ...]

    @property
    def path(self) -> str:
        return f"nodes.{self.id}"

    @property
    def inline_codes(self) -> list[Code]:
        """The node's code, except code that becomes a function of its own."""
        codes = (field for field in self.fields if isinstance(field, Code))
        return [code for code in codes if not code.parameters]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowIR:
    """A document without errors; `structure` is its graph as a tree."""

    kind: str
    metadata: Metadata
    trigger: Trigger
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    entry: str
    structure: Structure


@dataclass(frozen=True, slots=True)
class KnownNode:
    """A node, the JSON object that it was read from, and its problems."""

    source: dict[str, Any]
    node: Node
    problems: tuple[Problem, ...]


class KnownNodes:
    """Nodes by the identity of their JSON objects, which must not be changed afterwards.

    All documents must be read with the same node types.
    """

    def __init__(self) -> None:
        self._nodes: dict[int, KnownNode] = {}

    def find(self, source: dict[str, Any]) -> KnownNode | None:
        """Return the node that was read from exactly this object."""
        known = self._nodes.get(id(source))
        return known if known is not None and known.source is source else None

    def add(self, known: KnownNode) -> None:
        self._nodes[id(known.source)] = known


def read_metadata(document: Reader) -> Metadata:
    """Read the name, the description and the version of a document."""
    metadata = document.required("metadata")
    name = metadata.string("name")
    if problem := stored_name_problem(name):
        metadata.problem("name", problem)
    elif name and not is_visible(name):
        metadata.problem("name", "must have a visible character")
    return Metadata(
        name=name,
        description=metadata.string("description", ""),
        version=metadata.integer("version", None, least=1, most=2**31 - 1),
        created_at=metadata.string("createdAt"),
        updated_at=metadata.string("updatedAt"),
    )


def read_edges(document: Reader) -> tuple[Edge, ...]:
    """Read all edges, including those whose nodes do not exist."""
    return tuple(
        Edge(
            id=edge.string("id"),
            source=edge.string("source"),
            target=edge.string("target"),
            label=edge.string("label", ""),
            path=edge.path,
        )
        for edge in document.objects("edges", names="id")
    )


def read_nodes(
    document: Reader, types: Registry, *, known: KnownNodes, now_known: KnownNodes
) -> tuple[Node, ...]:
    """Return the nodes with an id and a known type; all others are reported as problems.

    `known` nodes are not read again; `now_known` receives all nodes of this document.
    """
    parsed = [
        _read_once(node, types, known=known, now_known=now_known)
        for node in document.objects("nodes", names="id")
    ]
    if document.value.get("nodes") == []:
        document.problem("nodes", "must have at least one node")
    return tuple(node for node in parsed if node is not None)


def _read_once(
    reader: Reader, types: Registry, *, known: KnownNodes, now_known: KnownNodes
) -> Node | None:
    found = known.find(reader.value)
    if found is not None:
        reader.repeat(found.problems)
        now_known.add(found)
        return found.node
    before = reader.problem_count
    node = read_node(reader, types)
    if node is not None:
        now_known.add(KnownNode(reader.value, node, reader.problems_since(before)))
    return node


def read_node(reader: Reader, types: Registry) -> Node | None:
    """Read one node; None if it has no id or an unknown type."""
    id_ = reader.string("id")
    reader.node_id = id_
    reader.fields = []
    if problem := stored_name_problem(id_, longest=MAX_ID_LENGTH):
        reader.problem("id", problem)
    name = reader.string("name")
    if problem := stored_name_problem(name):
        reader.problem("name", problem)
    _check_position(reader)
    type_ = _node_type(reader, types)
    if type_ is None or not id_:
        return None
    data = reader.required("data")
    data.config = reader.child("config")
    data.know(*(field.name for field in type_.fields))
    settings = type_.read(data)
    data.warn_about_unknown()
    if data.config:
        data.config.warn_about_unknown()
    return Node(id=id_, type=type_, name=name, settings=settings, fields=tuple(data.fields))


def _check_position(reader: Reader) -> None:
    value = reader.raw("position")
    if isinstance(value, dict) and {type(value.get("x")), type(value.get("y"))} <= _NUMBERS:
        return
    position = reader.required("position")
    for axis in ("x", "y"):
        number = position.raw(axis)
        if isinstance(number, bool) or not isinstance(number, int | float):
            position.problem(axis, "must be a number")


def _similar_first(name: str, names: Iterable[str]) -> list[str]:
    """Return the names, first those that start like this one."""
    return sorted(names, key=lambda other: other[:2] != name[:2])


def _node_type(reader: Reader, types: Registry) -> NodeType | None:
    """Return the type in the version that the node pins; built-in types have only one version."""
    name, version, provider = (reader.string(key) for key in ("type", "version", "provider"))
    versions = types.versions(name)
    if not versions:
        if name:
            reader.problem(
                "type",
                f"{quoted(name)} is not a node type: use one of {listed(_similar_first(name, types.names), limit=20)}",
            )
        return None
    if version and version not in versions:
        one_of = "" if len(versions) == 1 else "one of "
        reader.problem("version", f"must be {one_of}{listed(versions)}, not {quoted(version)}")
    type_ = versions.get(version)
    if type_ is None:
        type_ = next((other for other in versions.values() if other.custom is None), None)
    if type_ and provider and provider != type_.provider:
        reader.problem("provider", f"must be {quoted(type_.provider)}, not {quoted(provider)}")
    if type_ and type_.warning:
        reader.warning("type", type_.warning)
    return type_
