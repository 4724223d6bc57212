"""Writes the steps of a workflow."""

from __future__ import annotations
