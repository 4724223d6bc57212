"""The sizes of the parts of a picture: a tree of columns and blocks, measured from the inside out.

Every part is symmetrical about its vertical axis, where lines enter and leave it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Region, Step
from workflows.picture.labels import OTHERWISE, arm_label, has_else
from workflows.picture.text_width import SMALL, shortened, width_of

NODE_WIDTH: Final = 264
GAP: Final = 30  # between a block and the one below it
BETWEEN: Final = 20  # between columns side by side
PAD: Final = 16  # between a frame and its content
FAN: Final = 32  # height of the lines from a container to its columns, and back
LANE: Final = 26  # beside the columns, for the line back of a loop or past shared columns
TAG_HEIGHT: Final = 22
TAG_PAD: Final = 20
_MAX_TAG_WIDTH: Final = NODE_WIDTH - 24
_MIN_WIDTH: Final = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A small label: the name of a column, or a link to the node `node_id`."""

    text: str
    full: str
    width: int
    node_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Blocks below each other; `falls_through` if the run continues at its bottom.

    `jump` links to the node where the run continues instead. `region` is the id of the region, or -1 for
    a column without a region.
    """

    region: int = -1
    head: Tag | None
    blocks: tuple[Block, ...]
    jump: Tag | None
    falls_through: bool
    is_aside: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Columns side by side; their regions run after those of the row above."""

    columns: tuple[Column, ...]
    is_shared: bool
    width: int
    height: int

    @property
    def falls_through(self) -> bool:
        return any(column.falls_through for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A node; if it is a container, with rows in a frame."""

    node_id: str
    rows: tuple[Row, ...]
    exits: bool
    repeats: bool
    width: int
    height: int

    @property
    def has_bypass(self) -> bool:
        """Whether a line leads past shared columns to the bottom of the frame."""
        return any(row.is_shared for row in self.rows) and self.rows[0].falls_through


class Measurer:
    """Measures the tree of a document; all nodes have the same height.

    With `is_editable`, empty regions that can contain nodes are columns too. The contents of the
    containers in `folded` take no space.
    """

    def __init__(
        self,
        nodes: Mapping[str, Node],
        *,
        node_height: int,
        is_editable: bool = False,
        folded: Collection[str] = (),
    ) -> None:
        self._nodes = nodes
        self.node_height = node_height
        self._is_editable = is_editable
        self._folded = folded

    def column(self, region: Region, head: Tag | None = None, *, is_aside: bool = False) -> Column:
        blocks = tuple(map(self._block, region.steps))
        jump = self._jump_to(region.continues_at)
        parts = [(tag.width, TAG_HEIGHT) for tag in (head, jump) if tag]
        parts += [(block.width, block.height) for block in blocks]
        return Column(
            region=region.id,
            head=head,
            blocks=blocks,
            jump=jump,
            falls_through=jump is None and (not blocks or blocks[-1].exits),
            is_aside=is_aside,
            width=max((width for width, _ in parts), default=_MIN_WIDTH),
            height=sum(height for _, height in parts) + GAP * max(len(parts) - 1, 0),
        )

    def _block(self, step: Step) -> Block:
        node = self._nodes[step.node_id]
        if not step.regions:
            return Block(
                node_id=node.id,
                rows=(),
                exits=not (node.type.breaks and node.type.breaks(node.settings)),
                repeats=False,
                width=NODE_WIDTH,
                height=self.node_height,
            )
        block = self._frame(node, tuple(self._rows(node, step)))
        if node.id not in self._folded:
            return block
        return replace(block, rows=(), width=NODE_WIDTH, height=self.node_height)

    def _frame(self, node: Node, rows: tuple[Row, ...]) -> Block:
        container = node.type.container
        is_loop = container is not None and container.repeats
        repeats = is_loop and not (container is not None and container.concurrent)
        keeps_exits = is_loop or (container is not None and container.keeps_exits)
        has_bypass = any(row.is_shared for row in rows) and rows[0].falls_through
        lanes = 2 * LANE if repeats or has_bypass else 0
        inner = max((row.width for row in rows), default=0) + lanes
        return Block(
            node_id=node.id,
            rows=rows,
            exits=keeps_exits or _has_exit(rows),
            repeats=repeats,
            width=max(inner, NODE_WIDTH) + 2 * PAD,
            height=self.node_height + sum(row.height + 2 * FAN for row in rows),
        )

    def _rows(self, node: Node, step: Step) -> Iterator[Row]:
        container = node.type.container
        last = container.cleanup if container else ()
        columns = [
            self._arm(node, region, index=index)
            for index, region in enumerate(step.regions)
            if region.label not in last
        ]
        if not has_else(node):
            columns.append(_empty_column(OTHERWISE))
        yield _row(columns)
        if step.shared:
            yield _row([self._shared_column(region) for region in step.shared], is_shared=True)
        for region in step.regions:
            if region.label in last and (region.steps or self._is_editable):
                yield _row([self.column(region, _tag(region.label))])

    def _arm(self, node: Node, region: Region, *, index: int) -> Column:
        label = arm_label(node, region.label)
        container = node.type.container
        is_aside = bool(index and container and container.sequential)
        return self.column(region, _tag(label) if label else None, is_aside=is_aside)

    def _shared_column(self, region: Region) -> Column:
        """Return a column that several others continue in."""
        return self.column(region, _tag("where arms meet"))

    def _jump_to(self, node_id: str) -> Tag | None:
        return _tag(self._nodes[node_id].name, node_id=node_id) if node_id else None


def _has_exit(rows: Sequence[Row]) -> bool:
    """Return whether the run can leave at the bottom.

    Shared columns are an alternative to the first row, but a cleanup row is on every path.
    """
    falls_through = [row.falls_through or not row.columns for row in rows]
    return any(falls_through) if any(row.is_shared for row in rows) else all(falls_through)


def _empty_column(label: str) -> Column:
    tag = _tag(label)
    return Column(
        head=tag,
        blocks=(),
        jump=None,
        falls_through=True,
        is_aside=True,
        width=tag.width,
        height=TAG_HEIGHT,
    )


def _row(columns: list[Column], *, is_shared: bool = False) -> Row:
    between = BETWEEN * max(len(columns) - 1, 0)
    return Row(
        columns=tuple(columns),
        is_shared=is_shared,
        width=sum(column.width for column in columns) + between,
        height=max((column.height for column in columns), default=0),
    )


def _tag(full: str, *, node_id: str = "") -> Tag:
    text = shortened(full, _MAX_TAG_WIDTH - TAG_PAD * (2 if node_id else 1), size=SMALL)
    width = round(width_of(text, SMALL)) + TAG_PAD * (2 if node_id else 1)
    return Tag(text=text, full=full, width=max(width, _MIN_WIDTH), node_id=node_id)
