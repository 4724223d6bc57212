"""The document as values that cannot change, and how its outer parts are read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.document.node_types import NodeType
from workflows.ir.document.region_tree import Structure
from workflows.ir.document.registry import Registry
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.fields import Field
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader

MAX_NODES: Final = 10_000
MAX_ID: Final = 256
NAME_LENGTH: Final = 256
_NUMBERS: Final = frozenset({int, float})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    name: str
    description: str
    version: int
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """From one node to the next; `label` is "" where it has none."""

    id: str
    source: str
    target: str
    label: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node with the settings of its type and all that a person wrote in them."""

    id: str
    type: NodeType
    name: str
    settings: Any
    fields: tuple[Field, ...]

    @property
    def path(self) -> str:
        return f"nodes.{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowIR:
    """A document without a problem; `structure` is the tree that its graph means."""

    kind: str
    metadata: Metadata
    trigger: Trigger
    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    entry: str
    structure: Structure


def read_metadata(document: Reader) -> Metadata:
    metadata = document.required("metadata")
    name = metadata.string("name")
    if len(name) > NAME_LENGTH:
        metadata.problem("name", f"must have at most {NAME_LENGTH} characters")
    return Metadata(
        name=name,
        description=metadata.string("description", ""),
        version=metadata.integer("version", None, least=1, most=2**31 - 1),
        created_at=metadata.string("createdAt"),
        updated_at=metadata.string("updatedAt"),
    )


def read_edges(document: Reader) -> tuple[Edge, ...]:
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


def read_nodes(document: Reader, types: Registry) -> tuple[Node, ...]:
    """Read the nodes whose id and type are known; every other one is a problem."""
    read = [read_node(node, types) for node in document.objects("nodes", names="id")]
    if document.value.get("nodes") == []:
        document.problem("nodes", "must hold at least one node")
    return tuple(node for node in read if node is not None)


def read_node(reader: Reader, types: Registry) -> Node | None:
    id_ = reader.string("id")
    reader.node_id = id_
    reader.fields = []
    if len(id_) > MAX_ID or _has_control(id_):
        reader.problem("id", f"must have at most {MAX_ID} characters and no control characters")
    name = _node_name(reader)
    _check_position(reader)
    type_ = _node_type(reader, types)
    if type_ is None or not id_:
        return None
    data = reader.required("data")
    data.config = reader.child("config")
    settings = type_.read(data)
    data.warn_of_unknown()
    if data.config:
        data.config.warn_of_unknown()
    return Node(id=id_, type=type_, name=name, settings=settings, fields=tuple(data.fields))


def _node_name(reader: Reader) -> str:
    name = reader.string("name")
    if len(name) > NAME_LENGTH or _has_control(name):
        reader.problem("name", f"must have 1-{NAME_LENGTH} characters and no control characters")
    return name


def _has_control(text: str) -> bool:
    return not text.isprintable() and _CONTROL.search(text) is not None


def _check_position(reader: Reader) -> None:
    given = reader.raw("position")
    if isinstance(given, dict) and {type(given.get("x")), type(given.get("y"))} <= _NUMBERS:
        return
    position = reader.required("position")
    for axis in ("x", "y"):
        value = position.raw(axis)
        if isinstance(value, bool) or not isinstance(value, int | float):
            position.problem(axis, "must be a number")


def _node_type(reader: Reader, types: Registry) -> NodeType | None:
    """Return the type in the version that the node pins; of a built-in one there is only one."""
    name, version, provider = (reader.string(key) for key in ("type", "version", "provider"))
    known = types.versions(name)
    if not known:
        if name:
            reader.problem(
                "type", f"{quoted(name)} is not a node type: use {listed(types.names, limit=20)}"
            )
        return None
    if version and version not in known:
        one_of = "" if len(known) == 1 else "one of "
        reader.problem("version", f"must be {one_of}{listed(known)}, not {quoted(version)}")
    type_ = known.get(version)
    if type_ is None:
        type_ = next((one for one in known.values() if one.custom is None), None)
    if type_ and provider and provider != type_.provider:
        reader.problem("provider", f"must be {quoted(type_.provider)}, not {quoted(provider)}")
    if type_ and type_.warning:
        reader.warning("type", type_.warning)
    return type_
