"""The audit trail, and secrets that are encrypted in the database."""

from __future__ import annotations
