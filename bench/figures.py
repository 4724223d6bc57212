"""Measures the time of a function, and prints tables and ratios."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any


def cpu_seconds(work: Callable[[], Any]) -> float:
    """Return the CPU time that the work takes in this process, without child processes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def wall_seconds(work: Callable[[], Any]) -> float:
    """Return the elapsed time of the work, with the processes that it waits for."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def alternate(
    first: Callable[[], float], second: Callable[[], float], *, rounds: int
) -> list[tuple[float, float]]:
    """Return the results of both in each round, after a warm-up round."""
    return [(first(), second()) for _ in range(rounds + 1)][1:]


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
    """Print the ratios of the medians and of the minima."""
    medians, minima = median(ours) / median(theirs), min(ours) / min(theirs)
    print(f"  {what}: {medians:.2f} of medians, {minima:.2f} of minima{_verdict(medians, limit)}")


def _verdict(value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f" (limit {limit:g}: {'kept' if value <= limit else 'EXCEEDED'})"
