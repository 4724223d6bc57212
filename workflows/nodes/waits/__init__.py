"""The node types that wait."""

from __future__ import annotations
