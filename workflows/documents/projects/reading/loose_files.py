"""Reads files that were uploaded one by one, so that all of them are at the top of the project."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from workflows.documents.projects.reading.collector import Collector, ReadProject


def read_loose_files(files: Iterable[tuple[str, bytes]]) -> ReadProject:
    """Return the project of these names and contents; raises InvalidProject."""
    collector = Collector(b"")
    for name, content in files:
        collector.add(name, "", partial(_beginning, content))
    return collector.project()


def _beginning(content: bytes, most: int) -> bytes:
    return content[:most]
