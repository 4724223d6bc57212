"""Node's cache of compiled code, shared by all programs of a test run."""

from __future__ import annotations

import os


def compile_cache() -> dict[str, str]:
    """Return the variable that makes Node use the cache."""
    return {"NODE_COMPILE_CACHE": f"{os.environ['AWAITSTEP_DATA_DIR']}/compile_cache"}
