"""Users' code as a syntax tree: mistakes, imports, names and uses of `env`."""

from __future__ import annotations
