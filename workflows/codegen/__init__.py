"""Generates one readable TypeScript module from a valid workflow document."""

from __future__ import annotations
