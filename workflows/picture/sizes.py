"""How large the parts of a picture are: a tree of columns and blocks, from the inside outwards.

Every part is symmetrical about its middle, the axis, at which it is entered and left.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.region_tree import Region, Step
from workflows.picture.labels import OTHERWISE, arm_label, has_else
from workflows.picture.text_width import SMALL, shortened, width_of

NODE_WIDTH: Final = 264
GAP: Final = 30  # between a block and the one under it
BETWEEN: Final = 20  # columns that stand side by side
PAD: Final = 16  # between a frame and what is in it
FAN: Final = 32  # the lines from a container to its columns, and back
LANE: Final = 26  # beside the columns: the way back of a loop, the way past shared columns
TAG_HEIGHT: Final = 22
TAG_PAD: Final = 20
_MOST_OF_A_TAG: Final = NODE_WIDTH - 24
_LEAST: Final = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A small label; `node_id` is the node that it leads to, "" for a name of a column."""

    text: str
    full: str
    width: int
    node_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Blocks under each other; `falls` says whether the way goes on at its foot."""

    head: Tag | None
    blocks: tuple[Block, ...]
    goes_on: Tag | None
    falls: bool
    is_aside: bool
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Columns side by side; the regions of one may run only after those of the row above."""

    columns: tuple[Column, ...]
    is_shared: bool
    width: int
    height: int

    @property
    def falls(self) -> bool:
        return any(column.falls for column in self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A node, with a frame around its rows where it is a container."""

    node_id: str
    rows: tuple[Row, ...]
    exits: bool
    repeats: bool
    width: int
    height: int

    @property
    def has_bypass(self) -> bool:
        """Whether a way leads past a row of shared columns to the foot of the frame."""
        return any(row.is_shared for row in self.rows) and self.rows[0].falls


class Measurer:
    """Measures the tree of one document; `node_height` is that of every node."""

    def __init__(self, nodes: Mapping[str, Node], *, node_height: int) -> None:
        self._nodes = nodes
        self.node_height = node_height

    def column(self, region: Region, head: Tag | None = None, *, is_aside: bool = False) -> Column:
        blocks = tuple(map(self._block, region.steps))
        goes_on = self._leading_to(region.continues_at)
        parts = [(tag.width, TAG_HEIGHT) for tag in (head, goes_on) if tag]
        parts += [(block.width, block.height) for block in blocks]
        return Column(
            head=head,
            blocks=blocks,
            goes_on=goes_on,
            falls=goes_on is None and (not blocks or blocks[-1].exits),
            is_aside=is_aside,
            width=max((width for width, _ in parts), default=_LEAST),
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
        return self._frame(node, tuple(self._rows(node, step)))

    def _frame(self, node: Node, rows: tuple[Row, ...]) -> Block:
        repeats = bool(node.type.container and node.type.container.repeats)
        has_bypass = any(row.is_shared for row in rows) and rows[0].falls
        lanes = 2 * LANE if repeats or has_bypass else 0
        inner = max((row.width for row in rows), default=0) + lanes
        return Block(
            node_id=node.id,
            rows=rows,
            exits=repeats or _leads_out(rows),
            repeats=repeats,
            width=max(inner, NODE_WIDTH) + 2 * PAD,
            height=self.node_height + sum(row.height + 2 * FAN for row in rows),
        )

    def _rows(self, node: Node, step: Step) -> Iterator[Row]:
        container = node.type.container
        last = container.cleanup if container else ()
        columns = [
            self._arm(node, region, turn=turn)
            for turn, region in enumerate(step.regions)
            if region.label not in last
        ]
        if not has_else(node):
            columns.append(_nothing(OTHERWISE))
        yield _row(columns)
        if step.shared:
            yield _row([self._met(region) for region in step.shared], is_shared=True)
        for region in step.regions:
            if region.label in last and region.steps:
                yield _row([self.column(region, _tag(region.label))])

    def _arm(self, node: Node, region: Region, *, turn: int) -> Column:
        words = arm_label(node, region.label)
        container = node.type.container
        is_aside = bool(turn and container and container.sequential)
        return self.column(region, _tag(words) if words else None, is_aside=is_aside)

    def _met(self, region: Region) -> Column:
        """A column that several others lead to."""
        return self.column(region, _tag("where arms meet"))

    def _leading_to(self, node_id: str) -> Tag | None:
        return _tag(self._nodes[node_id].name, node_id=node_id) if node_id else None


def _leads_out(rows: Sequence[Row]) -> bool:
    """Shared columns are one more way out; what runs at last takes all ways."""
    falls = [row.falls or not row.columns for row in rows]
    return any(falls) if any(row.is_shared for row in rows) else all(falls)


def _nothing(label: str) -> Column:
    tag = _tag(label)
    return Column(
        head=tag,
        blocks=(),
        goes_on=None,
        falls=True,
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
    text = shortened(full, _MOST_OF_A_TAG - TAG_PAD * (2 if node_id else 1), size=SMALL)
    width = round(width_of(text, SMALL)) + TAG_PAD * (2 if node_id else 1)
    return Tag(text=text, full=full, width=max(width, _LEAST), node_id=node_id)
