"""The positions of boxes, frames, tags and lines in a picture, in px from the top left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from workflows.ir.document.model import WorkflowIR
from workflows.picture.labels import trigger_label
from workflows.picture.sizes import (
    FAN,
    GAP,
    LANE,
    NODE_WIDTH,
    PAD,
    TAG_HEIGHT,
    Block,
    Column,
    Measurer,
    Row,
    Tag,
)
from workflows.picture.text_width import SMALL, shortened, width_of

MARGIN: Final = 12
END_WIDTH: Final = 64
CAP_HEIGHT: Final = 30
_MIN_CAP_WIDTH: Final = 96
_BELOW: Final = FAN / 4  # in the middle of the line that leads from a column to the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A rectangle; `depth` is the number of frames around it."""

    x: float
    y: float
    width: float
    height: float
    depth: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with right angles from the node `source` to the node `node_id`; each may be "".

    `owner` is the container in whose frame it is drawn, if that decides whether a run takes it.
    `is_empty` is set for a line of a column without nodes.
    """

    points: tuple[tuple[float, float], ...]
    node_id: str = ""
    source: str = ""
    owner: str = ""
    is_arrow: bool = False
    is_aside: bool = False
    is_empty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotMark:
    """Where a node can be added: after the node `after`, or at the start of the region `region`."""

    x: float
    y: float
    region: int
    after: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The positions of all parts; `boxes` and `frames` are by node id."""

    width: float
    height: float
    boxes: dict[str, Area]
    frames: dict[str, Area]
    tags: tuple[tuple[Tag, Area], ...]
    lines: tuple[Line, ...]
    slots: tuple[SlotMark, ...]
    start: tuple[Tag, Area]
    end: tuple[Tag, Area]


def lay_out(
    ir: WorkflowIR,
    *,
    node_height: int,
    is_editable: bool = False,
    folded: Collection[str] = (),
) -> Layout:
    """Lay out the tree from top to bottom, in linear time; `folded` containers appear empty."""
    measurer = Measurer(ir.nodes, node_height=node_height, is_editable=is_editable, folded=folded)
    root = measurer.column(ir.structure.root)
    label = trigger_label(ir.trigger)
    text = shortened(label, NODE_WIDTH, size=SMALL)
    cap = max(round(width_of(text, SMALL)) + 44, _MIN_CAP_WIDTH)
    width = max(root.width, cap) + 2 * MARGIN
    axis, top = width / 2, MARGIN + CAP_HEIGHT + GAP
    end = top + root.height + GAP
    builder = _LayoutBuilder(node_height)
    builder.line((axis, MARGIN + CAP_HEIGHT), (axis, top), node_id=ir.entry)
    builder.column(root, axis=axis, top=top)
    builder.line((axis, top + root.height), (axis, end), source=_last(root))
    return Layout(
        width=width,
        height=end + CAP_HEIGHT + MARGIN,
        boxes=builder.boxes,
        frames=builder.frames,
        tags=tuple(builder.tags),
        lines=tuple(builder.lines),
        slots=tuple(builder.slots),
        start=(Tag(text=text, full=label, width=cap), _cap(axis, MARGIN, cap)),
        end=(Tag(text="End", full="End", width=END_WIDTH), _cap(axis, end, END_WIDTH)),
    )


def _cap(axis: float, top: float, width: int) -> Area:
    return Area(x=axis - width / 2, y=top, width=width, height=CAP_HEIGHT)


@dataclass(slots=True)
class _LayoutBuilder:
    """Positions the measured parts, from the outside in."""

    node_height: int
    boxes: dict[str, Area] = field(default_factory=dict)
    frames: dict[str, Area] = field(default_factory=dict)
    tags: list[tuple[Tag, Area]] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    slots: list[SlotMark] = field(default_factory=list)
    depth: int = 0

    def line(
        self,
        *points: tuple[float, float],
        node_id: str = "",
        source: str = "",
        owner: str = "",
        is_arrow: bool = True,
        is_aside: bool = False,
        is_empty: bool = False,
    ) -> None:
        self.lines.append(
            Line(
                points=points,
                node_id=node_id,
                source=source,
                owner=owner,
                is_arrow=is_arrow,
                is_aside=is_aside,
                is_empty=is_empty,
            )
        )

    def column(self, column: Column, *, axis: float, top: float) -> None:
        """Place the parts of a column below each other, with lines between them."""
        at, has_exit, source = top, False, ""
        if column.head:
            at, has_exit = self._tag(column.head, axis=axis, top=at), True
        self._slot_at_start(column, axis=axis, at=at, top=top)
        targets: list[Block | Tag] = [*column.blocks, *([column.jump] if column.jump else [])]
        for target in targets:
            if has_exit:
                self.line((axis, at), (axis, at + GAP), node_id=target.node_id, source=source)
            at += GAP if at > top else 0
            if isinstance(target, Tag):
                self._tag(target, axis=axis, top=at)
                return
            self._block(target, axis=axis, top=at)
            at, has_exit, source = at + target.height, target.exits, target.node_id
            is_last = target is targets[-1] and column.region
            self._slot(column, axis=axis, y=at + (_BELOW if is_last else GAP / 2), after=source)

    def _slot_at_start(self, column: Column, *, axis: float, at: float, top: float) -> None:
        """Add a slot between a column's head, or the line that leads to it, and its first block."""
        if column.head is None:
            y = top - (_BELOW if column.region else GAP / 2)
        else:
            y = at + (GAP / 2 if column.blocks or column.jump else _BELOW)
        self._slot(column, axis=axis, y=y)

    def _slot(self, column: Column, *, axis: float, y: float, after: str = "") -> None:
        if column.region >= 0:
            self.slots.append(SlotMark(x=axis, y=y, region=column.region, after=after))

    def _tag(self, tag: Tag, *, axis: float, top: float) -> float:
        area = Area(x=axis - tag.width / 2, y=top, width=tag.width, height=TAG_HEIGHT)
        self.tags.append((tag, area))
        return top + TAG_HEIGHT

    def _block(self, block: Block, *, axis: float, top: float) -> None:
        self.boxes[block.node_id] = Area(
            x=axis - NODE_WIDTH / 2,
            y=top,
            width=NODE_WIDTH,
            height=self.node_height,
            depth=self.depth,
        )
        if block.rows:
            self._frame(block, axis=axis, top=top)

    def _frame(self, block: Block, *, axis: float, top: float) -> None:
        """Place the frame of a container; the node's box sits on the middle of its upper edge."""
        self.frames[block.node_id] = Area(
            x=axis - block.width / 2,
            y=top + self.node_height / 2,
            width=block.width,
            height=block.height - self.node_height / 2,
            depth=self.depth,
        )
        self.depth += 1
        bottom, at = top + block.height, top + self.node_height
        for number, row in enumerate(block.rows):
            is_last = number == len(block.rows) - 1
            self._row(row, block, axis=axis, top=at)
            at += row.height + 2 * FAN
            self._merge(row, block, axis=axis, at=at, is_last=is_last)
        self.depth -= 1
        if block.repeats:
            self._line_back(block, axis=axis, top=top + self.node_height, bottom=bottom)

    def _row(self, row: Row, block: Block, *, axis: float, top: float) -> None:
        for column, middle in _middles(row, axis):
            if not row.is_shared:
                first = column.blocks[0].node_id if column.blocks else ""
                target = first or (column.jump.node_id if column.jump else "")
                self.line(
                    (axis, top), (axis, top + FAN / 2), (middle, top + FAN / 2), (middle, top + FAN),
                    node_id=target,
                    owner=block.node_id,
                    is_arrow=column.head is None and bool(target),
                    is_aside=column.is_aside,
                    is_empty=not target,
                )  # fmt: skip
            self.column(column, axis=middle, top=top + FAN)

    def _merge(self, row: Row, block: Block, *, axis: float, at: float, is_last: bool) -> None:
        """Draw lines from the columns that fall through to the bottom `at` of the row.

        They end there on the axis, or pass the shared columns that follow.
        """
        bus = at - FAN / 2
        end = [(axis, bus), (axis, at)]
        if block.has_bypass and not is_last and not row.is_shared:
            side = axis + block.width / 2 - PAD - LANE / 2
            bottom = self._bottom(block, at)
            end = [(side, bus), (side, bottom - FAN / 2), (axis, bottom - FAN / 2), (axis, bottom)]
        top = at - FAN - row.height
        for column, middle in _middles(row, axis):
            if column.falls_through:
                points = [(middle, top + column.height), (middle, bus), *end]
                last = _last(column)
                self.line(
                    *points, source=last, owner=block.node_id, is_arrow=False, is_empty=not last
                )

    def _bottom(self, block: Block, at: float) -> float:
        return at + sum(row.height + 2 * FAN for row in block.rows[1:])

    def _line_back(self, block: Block, *, axis: float, top: float, bottom: float) -> None:
        """Draw the line from the bottom of a loop's body back to its top."""
        side = axis - block.width / 2 + PAD + LANE / 2
        bus, back = bottom - FAN / 2, top + FAN / 2
        if block.rows[0].falls_through:
            points = [(axis, bus), (side, bus), (side, back), (axis - 1, back)]
            last = _last(block.rows[0].columns[0])
            self.line(*points, source=last, owner=block.node_id)


def _last(column: Column) -> str:
    return column.blocks[-1].node_id if column.blocks else ""


def _middles(row: Row, axis: float) -> list[tuple[Column, float]]:
    """Return the columns of a centered row with their axes."""
    middles = []
    at = axis - row.width / 2
    between = (row.width - sum(column.width for column in row.columns)) / max(
        len(row.columns) - 1, 1
    )
    for column in row.columns:
        middles.append((column, at + column.width / 2))
        at += column.width + between
    return middles
