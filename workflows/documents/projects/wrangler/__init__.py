"""Reads a wrangler configuration: its syntax with line numbers, its keys, and what they mean here."""

from __future__ import annotations
