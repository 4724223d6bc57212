"""The memory and open files of a platform's processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import psutil

_SECONDS = 0.5


@dataclass
class Usage:
    """The most that was seen: memory of all processes, open files of one process, and how many Workers ran."""

    megabytes: float = 0.0
    files: int = 0
    processes: int = 0

    def add(self, other: Usage) -> None:
        self.megabytes = max(self.megabytes, other.megabytes)
        self.files = max(self.files, other.files)
        self.processes = max(self.processes, other.processes)

    def __str__(self) -> str:
        return (
            f"{self.megabytes:,.0f} MB in all, {self.files:,} open files in one process, "
            f"{self.processes} processes of Workers"
        )


@dataclass
class Watched:
    """A folder with the PID file of a platform, or the id of a program."""

    pid_file: Path | None = None
    pid: int = 0
    peak: Usage = field(default_factory=Usage)

    def read(self) -> Usage:
        """Return what is in use now."""
        usage = Usage()
        with suppress(psutil.Error, OSError, ValueError, IndexError):
            root = psutil.Process(self.pid or read_pid(self.pid_file))
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    usage.megabytes += process.memory_info().rss / 1e6
                    usage.files = max(usage.files, process.num_fds())
                    usage.processes += process.name() == "workerd"
        return usage

    @contextmanager
    def watching(self) -> Iterator[Watched]:
        """Keep the peak up to date."""
        ended = Event()

        def watch() -> None:
            while not ended.wait(_SECONDS):
                self.peak.add(self.read())

        thread = Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def seconds_until(self, processes: int, *, limit: float) -> float:
        """Wait until at most this many processes of Workers run; return how long that took."""
        started = time.monotonic()
        while self.read().processes > processes and time.monotonic() - started < limit:
            time.sleep(_SECONDS)
        return time.monotonic() - started


def read_pid(file: Path | None) -> int:
    """Return the id in a PID file, which also holds the process's start time."""
    return int(file.read_text().splitlines()[0]) if file else 0
