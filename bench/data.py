"""Lists and the idle server with 100,000 deployments and 1,000,000 runs, and with a tenth of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.support.installation import PROJECT, Installation

SIZES = (1.0, 0.1)
MAX_MILLISECONDS = 200.0
START_SECONDS = 150  # in which its threads read once what they keep
IDLE_SECONDS = 60
_TICKS = 100  # of CPU time in a second, on Linux
METHOD = """
Method: 10,000 workflows, 100,000 deployments with their stages, and 1,000,000 runs with their texts and
steps, spread over 90 days; one row in ten belongs to the same workflow. Requests use Django's test client
after two warm-up requests. "CPU" is the p95 of the CPU time of this process, in milliseconds; "tenth" the
same with a tenth of the rows. The idle server is measured for a minute, with its children, while nobody
looks and its only target does not respond; by then it has run for two and a half minutes."""


def measure(folder: Path, *, rounds: int) -> None:
    """Fill two databases, and print the figures of their pages and of an idle server."""
    print(METHOD)
    full, tenth = (_installation(folder / f"data-{size}", size) for size in SIZES)
    pages, fewer = _pages(full, rounds), _pages(tenth, rounds)
    print(f"\n  {'':34}{'CPU':>9}{'tenth':>9}{'ratio':>8}{'queries':>9}")
    for name, (high, queries) in pages.items():
        low = fewer[name][0]
        verdict = "" if high <= MAX_MILLISECONDS else f"  OVER {MAX_MILLISECONDS:.0f} ms"
        print(f"  {name:34}{high:9.0f}{low:9.0f}{high / low:8.1f}{queries:9.0f}{verdict}")
    for name, installation in (("full", full), ("a tenth", tenth)):
        print(f"  idle server, {name}: {_idle(installation):.1%} of a core")


def _installation(folder: Path, size: float) -> Installation:
    installation = Installation(folder)
    installation.migrate()
    _shell(installation, f"from bench.data_rows import fill; fill({size})")
    return installation


def _pages(installation: Installation, rounds: int) -> dict[str, list[float]]:
    code = f"from bench.data_pages import measure; measure(rounds={rounds})"
    pages: dict[str, list[float]] = json.loads(_shell(installation, code))
    return pages


def _shell(installation: Installation, code: str) -> str:
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    env = installation.env
    done = subprocess.run(command, cwd=PROJECT, env=env, check=True, stdout=subprocess.PIPE)  # noqa: S603 - our own code
    return done.stdout.decode()


def _idle(installation: Installation) -> float:
    """Return the share of a core that a server uses after its start."""
    started = installation.start_server()
    try:
        time.sleep(START_SECONDS)
        before = _cpu_seconds(started.pid)
        time.sleep(IDLE_SECONDS)
        return (_cpu_seconds(started.pid) - before) / IDLE_SECONDS
    finally:
        installation.stop()


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its running children, recursively."""
    folder = Path(f"/proc/{pid}")
    user, system = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    children = (folder / f"task/{pid}/children").read_text().split()
    return (int(user) + int(system)) / _TICKS + sum(_cpu_seconds(int(child)) for child in children)
