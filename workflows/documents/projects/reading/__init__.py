"""Reads the files of a project from a folder or an archive, within limits, without following links."""

from __future__ import annotations
