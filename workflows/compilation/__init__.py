"""From a document to compiled JavaScript."""

from __future__ import annotations
