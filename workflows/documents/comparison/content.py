"""What a version, a draft or a deployment consists of, read for a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from workflows.documents.comparison.places import Places, places_of
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import escape_surrogates
from workflows.nodes.documents import parse

JsonObject = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Content:
    """Everything that determines the code, with the node types of the document.

    `tests` is None if they are not known. A project has `files`.
    """

    ir: Any
    entry_code: str
    dependencies: Mapping[str, Any]
    bindings: Mapping[str, Any]
    deploy_settings: Mapping[str, Any]
    types: Registry
    tests: Any = None
    files: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> JsonObject:
        """The document; an empty one if something else was stored."""
        return self.ir if isinstance(self.ir, dict) else {}

    @cached_property
    def draft(self) -> WorkflowIR | None:
        """The document as it was read; None if its nodes do not form a tree."""
        return parse(self.ir, self.types).draft

    @cached_property
    def places(self) -> Places | None:
        return places_of(self.draft) if self.draft else None

    @cached_property
    def items(self) -> dict[str, JsonObject]:
        """The nodes as JSON, by id."""
        nodes = self.document.get("nodes")
        items = nodes if isinstance(nodes, list) else []
        found: dict[str, JsonObject] = {}
        for item in items:
            if isinstance(item, dict) and isinstance(item.get("id"), str):
                found.setdefault(item["id"], item)
        return found

    def node(self, id_: str) -> Node | None:
        return self.draft.nodes.get(id_) if self.draft else None

    def type_of(self, id_: str) -> NodeType | None:
        """Return the type of a node; None if there is no such type."""
        item = self.items[id_]
        versions = self.types.versions(str(item.get("type")))
        return versions.get(str(item.get("version"))) or next(iter(versions.values()), None)

    def name(self, id_: str) -> str:
        return escape_surrogates(str(self.items[id_].get("name") or id_))

    def owner(self, id_: str) -> str:
        """Return the container that a node is in, "" for none."""
        return self.places.region_of[id_][0] if self.places else ""
