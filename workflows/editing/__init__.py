"""Editing: operations that change a document, or are refused with a reason."""

from __future__ import annotations
