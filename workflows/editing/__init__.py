"""Editing: operations that turn a document into the next one, or refuse to and say why."""

from __future__ import annotations
