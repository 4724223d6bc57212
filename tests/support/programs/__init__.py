"""How tests run the programs of an installation."""

from __future__ import annotations
