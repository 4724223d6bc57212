"""The parts of a document as immutable values, and what a node type is."""

from __future__ import annotations
