"""How long tests wait for something that must happen."""

from __future__ import annotations

from typing import Final

PATIENCE: Final = 300
"""In seconds. It only ends a test that hangs: a machine with other work is many times slower."""
