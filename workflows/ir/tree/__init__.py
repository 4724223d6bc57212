"""From the graph of a document to a tree of regions, and what is computed on the tree."""

from __future__ import annotations
