"""Whether programs have ended."""

from __future__ import annotations

import psutil


def lives(process: psutil.Process) -> bool:
    """Tell whether the process runs on; one whose new parent has not noticed its end does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
