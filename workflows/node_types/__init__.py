"""Node types: loading them from files, and finding those that a document uses."""

from __future__ import annotations
