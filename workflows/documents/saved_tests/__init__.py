"""Saved tests of a workflow: what a run gets, what happens in it, and what must be true when it ends."""

from __future__ import annotations
