"""Checks that every request passes before it reaches Django and the event streams."""

from __future__ import annotations
