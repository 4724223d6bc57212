"""A process that writes to an SQLite database until its standard input ends, and prints its waits."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time

INTERVAL = 0.005  # seconds


def main(database: str) -> None:
    """Measure transactions with the settings that the product's connections have."""
    end, times = threading.Event(), []

    def wait_for_end() -> None:
        sys.stdin.read()
        end.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    writing = sqlite3.connect(database, timeout=20, isolation_level=None)
    writing.execute("PRAGMA synchronous=NORMAL")
    while not end.wait(INTERVAL):
        started = time.perf_counter()
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("UPDATE django_content_type SET model = model WHERE id = 1")
        writing.execute("COMMIT")
        times.append(time.perf_counter() - started)
    print(json.dumps(times))


if __name__ == "__main__":
    main(sys.argv[1])
