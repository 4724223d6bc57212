"""A document that is opened for operations: its tree, its edges, and the differences between two of them."""

from __future__ import annotations
