"""Logging in: how often it may be tried."""

from __future__ import annotations
