"""Lines as SVG path data: right angles with round corners."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Point = tuple[float, float]

RADIUS: Final = 8.0


def path(points: Sequence[Point]) -> str:
    """Return the data of a path; points that are the same count once."""
    kept = [points[0]]
    kept += [point for point, before in zip(points[1:], points, strict=False) if point != before]
    corners = [_corner(*kept[at - 1 : at + 2]) for at in range(1, len(kept) - 1)]
    return "".join([f"M{_at(kept[0])}", *corners, f"L{_at(kept[-1])}"])


def _corner(before: Point, corner: Point, after: Point) -> str:
    start, end = _towards(corner, before), _towards(corner, after)
    return f"L{_at(start)}Q{_at(corner)} {_at(end)}"


def _towards(corner: Point, other: Point) -> Point:
    """Return the point at most RADIUS and half the way from the corner to the other one."""
    (x, y), (to_x, to_y) = corner, other
    length = abs(to_x - x) + abs(to_y - y)
    share = min(RADIUS, length / 2) / length if length else 0
    return x + (to_x - x) * share, y + (to_y - y) * share


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
