"""Rewrites documents and entry code that were written for AwaitStep, without changing what they mean."""

from __future__ import annotations
