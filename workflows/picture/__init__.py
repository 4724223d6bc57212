"""The picture of a workflow: laid out from its tree, drawn as SVG, with the states of a run."""

from __future__ import annotations
