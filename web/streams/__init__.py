"""Server-sent events, fed by tables that any process may write to."""

from __future__ import annotations
