"""Pictures of workflows: the layout of the tree, its SVG, and the states of a run."""

from __future__ import annotations
