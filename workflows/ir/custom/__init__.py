"""Node types that people write: what a node.json may say, and what its fields accept."""

from __future__ import annotations
