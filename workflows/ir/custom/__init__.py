"""Custom node types: what a node.json may contain, and which values its fields accept."""

from __future__ import annotations
