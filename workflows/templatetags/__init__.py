"""Template tags of workflows."""

from __future__ import annotations
