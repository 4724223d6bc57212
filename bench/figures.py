"""How figures are summed up and printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median


def table(title: str, rows: Mapping[str, Sequence[float]]) -> None:
    """Print the median, minimum and maximum of each row, in seconds."""
    print(f"\n{title}")
    print(f"  {'':34}{'median':>9}{'min':>9}{'max':>9}")
    for name, seconds in rows.items():
        low, high = min(seconds), max(seconds)
        print(f"  {name:34}{median(seconds):9.3f}{low:9.3f}{high:9.3f}")


def ratio(
    what: str, ours: Sequence[float], theirs: Sequence[float], *, limit: float | None = None
) -> None:
    """Print the ratio of the medians, and of the minima."""
    middle, least = median(ours) / median(theirs), min(ours) / min(theirs)
    print(f"  {what}: {middle:.2f} of medians, {least:.2f} of minima{_verdict(middle, limit)}")


def _verdict(middle: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f" (limit {limit:g}: {'holds' if middle <= limit else 'DOES NOT HOLD'})"
