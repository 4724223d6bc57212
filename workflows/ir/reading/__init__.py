"""Readers of JSON values that collect problems, and the small formats inside documents."""

from __future__ import annotations
