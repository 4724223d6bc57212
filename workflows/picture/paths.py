"""Lines as SVG path data, with rounded right angles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Point = tuple[float, float]

RADIUS: Final = 8.0


def path(points: Sequence[Point]) -> str:
    """Return the path data; repeated points are dropped."""
    distinct = [points[0]]
    distinct += [
        point for point, before in zip(points[1:], points, strict=False) if point != before
    ]
    corners = [_corner(*distinct[at - 1 : at + 2]) for at in range(1, len(distinct) - 1)]
    return "".join([f"M{_at(distinct[0])}", *corners, f"L{_at(distinct[-1])}"])


def _corner(before: Point, corner: Point, after: Point) -> str:
    start, end = _towards(corner, before), _towards(corner, after)
    return f"L{_at(start)}Q{_at(corner)} {_at(end)}"


def _towards(corner: Point, other: Point) -> Point:
    """Return the point RADIUS away from the corner, or halfway to the other point if that is nearer."""
    (x, y), (to_x, to_y) = corner, other
    length = abs(to_x - x) + abs(to_y - y)
    share = min(RADIUS, length / 2) / length if length else 0
    return x + (to_x - x) * share, y + (to_y - y) * share


def _at(point: Point) -> str:
    return f"{number(point[0])} {number(point[1])}"


def number(value: float) -> str:
    """Format a coordinate with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")
