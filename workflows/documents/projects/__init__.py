"""Workflow projects: a folder with the source files, packages and wrangler configuration of a Worker."""

from __future__ import annotations
