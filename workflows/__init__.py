"""Workflows: documents, their checks and pictures, and the TypeScript that is generated from them."""

from __future__ import annotations
