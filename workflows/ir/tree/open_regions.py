"""Regions while the tree is built: what stands in them, and how nodes are reached from them."""

from __future__ import annotations

from dataclasses import dataclass, field

from workflows.ir.document.model import Edge
from workflows.ir.document.region_tree import Place


@dataclass(slots=True, kw_only=True)
class Open:
    """A region that still grows; `join` is that of the nearest container around it that has one."""

    parent: int
    owner: str
    label: str
    depth: int
    position: int
    turn: int
    join: str | None
    items: list[str] = field(default_factory=list)
    goes_on_at: str = ""
    feeds: set[int] = field(default_factory=set)
    led_by: int = 0

    def fixed(self) -> Place:
        return Place(
            parent=self.parent,
            owner=self.owner,
            label=self.label,
            depth=self.depth,
            position=self.position,
            turn=self.turn,
            feeds=frozenset(self.feeds),
            led_by=self.led_by,
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A way into a node: from the end of the place, along the edge (None: from the container)."""

    place: int
    edge: Edge | None
