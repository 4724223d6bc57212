"""Reads what a class does from its syntax tree, without executing anything.

`walk` holds the state, and dispatches to the modules that read each kind of code: `expressions`, `statements`,
`containers` and `calls`.
"""

from __future__ import annotations
