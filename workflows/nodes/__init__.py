"""The node types: one module per built-in type, and custom types."""

from __future__ import annotations
