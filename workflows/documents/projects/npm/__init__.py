"""Reads the files of npm: which packages they install, and where those come from."""

from __future__ import annotations
