"""Declarations of the fields of node types and triggers, and how a document's values are read."""

from __future__ import annotations
