"""A document opened for one operation: its nodes and its tree, which the operation changes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from workflows.editing.document.changes import is_equal
from workflows.editing.document.edges import edges_of, needs_edge_to
from workflows.editing.document.needs import Needs, needs_of
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.tree import (
    Block,
    Location,
    Region,
    blocks_in,
    locations,
    tidy,
    tree_of,
)
from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.registry import Registry
from workflows.ir.reading.identifiers import RESERVED, to_identifier
from workflows.ir.reading.problems import quoted
from workflows.ir.tree.scope import ROOTS
from workflows.ir.validation.validate import Parsed, compact
from workflows.nodes.documents import parse

JsonObject = dict[str, Any]

PLACEHOLDER_CODE: Final = "// Nothing happens here yet.\n"
_WORDS: Final = re.compile(r"[^\W_]+", re.UNICODE)
_MAX_ID_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a node: after another one, or at the start of a region.

    `owner` is the container of the region ("" for the root), and `region` is its index: arms come
    first, then the regions that several arms share. With `after`, both are ignored.
    """

    after: str = ""
    owner: str = ""
    region: int = 0


class OpenDocument:
    """An immutable document that has a tree; raises NotEditable for any other document.

    `before` is the document before the edit; its unchanged nodes are not read again.
    """

    def __init__(
        self, document: JsonObject, registry: Registry, before: OpenDocument | None = None
    ) -> None:
        self.document = document
        self.registry = registry
        known = before.parsed.known if before else None
        self.parsed: Parsed = parse(document, registry, known)
        if self.parsed.draft is None or not _has_usual_shape(document):
            raise NotEditable(self.parsed.problems)
        self.draft: WorkflowIR = self.parsed.draft

    @cached_property
    def needs(self) -> Mapping[str, Needs]:
        return needs_of(self.draft)

    @cached_property
    def size(self) -> int:
        """The size in bytes, without whitespace."""
        return len(compact(self.document).encode("utf-8", "replace"))

    @cached_property
    def errors(self) -> frozenset[tuple[str, str]]:
        """The errors without their paths in the document, because an operation may change paths."""
        return frozenset(
            (problem.node_id, problem.message)
            for problem in self.parsed.problems
            if problem.is_error
        )


def _has_usual_shape(document: JsonObject) -> bool:
    """Whether everything that operations rely on has the right type, so that only values can be wrong."""
    return (
        isinstance(document.get("metadata"), dict)
        and isinstance(document.get("trigger") or {}, dict)
        and all(
            isinstance(item.get("name"), str)
            and isinstance(item.get("data"), dict)
            and isinstance(item.get("config") or {}, dict)
            for item in document["nodes"]
        )
    )


def empty_step(id_: str) -> JsonObject:
    """Return a step that does nothing, as an item of a document's nodes."""
    return {
        "id": id_,
        "type": "step",
        "name": "Empty step",
        "version": "1.0.0",
        "provider": "cloudflare",
        "position": {"x": 0, "y": 0},
        "data": {"code": PLACEHOLDER_CODE},
    }


class Workbench:
    """The parts of an open document in a form that an operation can change."""

    def __init__(self, opened: OpenDocument) -> None:
        self.opened = opened
        self.registry = opened.registry
        self.nodes: dict[str, JsonObject] = {item["id"]: item for item in opened.document["nodes"]}
        self.types: dict[str, NodeType] = {
            id_: node.type for id_, node in opened.draft.nodes.items()
        }
        self.root = tree_of(opened.draft.structure)
        self.members: JsonObject = {}

    # Finding

    def locate(self, node_id: str) -> Location:
        """Return where a node is; raises Refused if no node has this id."""
        found = locations(self.root).get(node_id)
        if found is None:
            raise Refused(f"The node {quoted(node_id)} no longer exists.", node_id=node_id)
        return found

    def container(self, node_id: str) -> Block:
        """Return the block of a container; raises Refused for any other node."""
        block = self.locate(node_id).block
        if self.types[node_id].container is None:
            raise Refused(f"{self.called(node_id)} has no arms.", node_id=node_id)
        return block

    def region(self, node_id: str, index: int) -> Region:
        """Return an arm of a container, or a region that its arms share."""
        regions = self.container(node_id).all_regions
        if not 0 <= index < len(regions):
            raise Refused(f"This arm of {self.called(node_id)} no longer exists.", node_id=node_id)
        return regions[index]

    def place(self, slot: Slot) -> tuple[Region, int]:
        """Return the region of a slot and the index in it."""
        if slot.after:
            location = self.locate(slot.after)
            return location.region, location.index + 1
        return (self.region(slot.owner, slot.region) if slot.owner else self.root), 0

    def called(self, node_id: str) -> str:
        """Return a node's name, quoted for a sentence."""
        return f"\u201c{self.nodes[node_id]['name']}\u201d"

    # Changing

    def new_node(self, type_: NodeType, *, name: str = "", data: JsonObject | None = None) -> Block:
        """Add a node that is not in the tree yet, and return a block for it."""
        name = name or self.free_name(type_.title)
        id_ = self.free_id(name)
        self.nodes[id_] = {
            "id": id_,
            "type": type_.name,
            "name": name,
            "position": {"x": 0, "y": 0},
            "version": type_.version,
            "provider": type_.provider,
            "data": type_.new_data() if data is None else data,
        }
        self.types[id_] = type_
        return Block(id_)

    def placeholder(self) -> Block:
        """Return a block with a new step that does nothing."""
        type_ = self.type_named("step")
        return self.new_node(type_, name="Empty step", data={"code": PLACEHOLDER_CODE})

    def type_named(self, name: str) -> NodeType:
        """Return the newest version of a type; raises Refused for an unknown name."""
        versions = self.registry.versions(name)
        if not versions:
            raise Refused(f"There is no node type {quoted(name)}.")
        return list(versions.values())[-1]

    def free_id(self, name: str) -> str:
        """Return an unused id, made from the words of a name, that can be a variable in code."""
        words = _WORDS.findall(name)[:_MAX_ID_WORDS]
        first, *others = [word.lower() if word.isupper() else word for word in words] or ["node"]
        camel = (
            first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in others)
        )
        proposal = to_identifier(camel)[:60]
        if proposal in RESERVED or proposal in ROOTS:
            proposal += "1"
        name, count = proposal, self._counts.get(proposal, 1)
        while name in self.nodes or name in self._container_names:
            count += 1
            name = f"{proposal}{count}"
        self._counts[proposal] = count
        return name

    def free_name(self, title: str) -> str:
        """Return a name that no other node has, and that no later call returns again."""
        name, count = title, self._counts.get(f"{title} ", 1)
        while name in self._node_names:
            count += 1
            name = f"{title} {count}"
        self._counts[f"{title} "] = count
        self._node_names.add(name)
        return name

    @cached_property
    def _counts(self) -> dict[str, int]:
        """The last appended numbers, so that many equal names take little time."""
        return {}

    @cached_property
    def _node_names(self) -> set[str]:
        return {item["name"] for item in self.nodes.values()}

    @cached_property
    def _container_names(self) -> frozenset[str]:
        """The names that containers define for the nodes inside them."""
        names: set[str] = set()
        for node in self.opened.draft.nodes.values():
            container = node.type.container
            if container:
                for label in container.labels(node.settings) if container.labels else ():
                    names.update(container.inner_names(node.settings, label))
        return frozenset(names)

    def insert(self, blocks: Iterable[Block], region: Region, index: int) -> None:
        """Insert blocks; they replace a step that does nothing if it is alone in the region."""
        blocks = list(blocks)
        alone = region.blocks[0] if len(region.blocks) == 1 else None
        is_content = not any(self.is_placeholder(block.node_id) for block in blocks)
        if alone and is_content and self.is_placeholder(alone.node_id):
            region.blocks = []
            self.forget(alone)
            index = 0
        region.blocks[index:index] = blocks

    def is_placeholder(self, node_id: str) -> bool:
        """Whether the node is a step that does nothing, added because a region cannot be empty."""
        item = self.nodes[node_id]
        return bool(item["type"] == "step" and item["data"] == {"code": PLACEHOLDER_CODE})

    def empty_slots(self) -> frozenset[str]:
        """Return the empty steps that the next node in their place will replace."""
        steps = filter(self.is_placeholder, self.nodes)
        at = locations(self.root)
        return frozenset(id_ for id_ in steps if len(at[id_].region.blocks) == 1)

    def remove(self, blocks: Collection[Block]) -> None:
        """Take blocks, none of which is inside another, out of the tree; their nodes are kept."""
        places = locations(self.root)
        changed = {id(place.region): place for place in (places[each.node_id] for each in blocks)}
        removed = set(blocks)
        for place in changed.values():
            region = place.region
            region.blocks = [block for block in region.blocks if block not in removed]
            if region.blocks or region.next is not None:
                continue
            if place.owner is None or needs_edge_to(region, self.types[place.owner.node_id]):
                region.blocks.append(self.placeholder())

    def forget(self, block: Block) -> None:
        """Delete the nodes of a block that is no longer in the tree."""
        for inner in blocks_in(Region(blocks=[block])):
            del self.nodes[inner.node_id]
            del self.types[inner.node_id]

    def update(self, node_id: str, **members: Any) -> None:
        """Replace members of a node."""
        self.nodes[node_id] = {**self.nodes[node_id], **members}

    # Finishing

    def document(self) -> JsonObject:
        """Return the document with the changed nodes and tree."""
        tidy(self.root)
        self._fill()
        before = self.opened.document
        edges = edges_of(self.root, self.types, before["edges"])
        return {
            **before,
            **self.members,
            "nodes": _unless_equal(before["nodes"], list(self.nodes.values())),
            "edges": _unless_equal(before["edges"], edges),
            "entryNodeId": self.root.blocks[0].node_id,
        }

    def _fill(self) -> None:
        """Put an empty step into each empty region that edges could not express otherwise."""
        stack = [self.root]
        while stack:
            region = stack.pop()
            for index, block in enumerate(region.blocks):
                is_last = index == len(region.blocks) - 1 and region.next is None
                self._fill_block(block, is_last=is_last)
                stack += block.all_regions

    def _fill_block(self, block: Block, *, is_last: bool) -> None:
        labels: set[str] = set()
        for region in block.regions:
            if region.blocks or region.next or not needs_edge_to(region, self.types[block.node_id]):
                continue
            if is_last or region.label in labels:
                region.blocks.append(self.placeholder())
            labels.add(region.label)


def _unless_equal(before: list[JsonObject], after: list[JsonObject]) -> list[JsonObject]:
    return before if is_equal(before, after) else after
