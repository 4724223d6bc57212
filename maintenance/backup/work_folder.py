"""A private folder for the copy that a backup or a restore works on."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolchain.private_files import private_folder


class AlreadyRunning(Exception):
    """Another backup or restore uses this data directory."""


@contextmanager
def work_folder(data_dir: Path) -> Iterator[Path]:
    """Yield an empty folder in the data directory, for one process at a time.

    What a killed process has left there is removed first.
    """
    parent = private_folder(data_dir / "backup")
    with (parent / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning("Another backup or restore is running. Try again later.") from None
        folder = parent / "work"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield private_folder(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
