"""`make bench`: timings, as ratios taken in one run, with the method beside each figure."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import crowd, deploy, page, picture, programs
from tests.support.installation import PROJECT, Installation

PARTS = ("programs", "pictures", "runs", "deploys")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="deploys of each kind (default 7)")
    parser.add_argument("--workers", type=int, default=50, help="Workers of a full platform")
    parser.add_argument("--only", choices=PARTS, help="one part of the figures (default all)")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="awaitstep-bench-"))
    try:
        if options.only in (None, "programs"):
            programs.measure(rounds=options.rounds, folder=folder)
        if options.only in (None, "pictures"):
            picture.measure(rounds=options.rounds)
        if options.only in (None, "runs"):
            _runs(folder, rounds=options.rounds)
        if options.only in (None, "deploys"):
            _deploys(folder, rounds=options.rounds, workers=options.workers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _runs(folder: Path, *, rounds: int) -> None:
    """Measure pages of runs on a database of their own, in a process that Django is set up in."""
    installation = Installation(folder / "runs")
    installation.manage("migrate", "--verbosity", "0")
    code = f"from bench.runs import measure; measure(rounds={rounds})"
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    subprocess.run(command, cwd=PROJECT, env=installation.env, check=True)  # noqa: S603 - our own code


def _deploys(folder: Path, *, rounds: int, workers: int) -> None:
    """Measure deploys on an installation of their own."""
    installation = Installation(folder / "data")
    try:
        installation.manage("migrate", "--verbosity", "0")
        installation.start_platform()
        installation.start_server()
        installation.create_user("deployer")
        deploy.measure(installation, rounds=rounds, folder=folder)
        page.measure(installation, rounds=rounds)
        crowd.measure(installation, rounds=rounds, workers=workers)
    finally:
        installation.stop()


if __name__ == "__main__":
    main()
