"""Saved tests of workflows: making them from runs, running them, and what differs."""

from __future__ import annotations
