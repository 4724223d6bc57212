"""Checks whether programs are running."""

from __future__ import annotations

import psutil


def is_running(process: psutil.Process) -> bool:
    """Return whether the process runs; a zombie that nobody has reaped yet does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
