"""Assembles the module of a Worker: imports, types, class or script, handlers."""

from __future__ import annotations
