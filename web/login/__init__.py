"""Limits on login attempts."""

from __future__ import annotations
