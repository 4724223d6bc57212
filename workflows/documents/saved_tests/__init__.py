"""Saved tests of a workflow: what a run gets, what happens in it, and what must be so at its end."""

from __future__ import annotations
