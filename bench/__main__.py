"""`make bench`: timings as ratios within one run. Each figure is printed with its method."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import (
    code_fields,
    data,
    deploy,
    many_workers,
    page_updates,
    pictures,
    programs,
    project_deploy,
)
from bench.event_streams import measure as event_streams
from bench.spares import Pair
from bench.storms import measure as storms
from tests.support.installation import PROJECT, Installation

PARTS = (
    "programs",
    "pictures",
    "code_fields",
    "editing",
    "runs",
    "retention",
    "deploys",
    "projects",
    "data",
    "streams",
    "storm",
)


def main() -> None:
    """Run all parts or the given one, in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="repetitions (default 7)")
    parser.add_argument(
        "--workers", type=int, default=50, help="Workers on a full platform (default 50)"
    )
    parser.add_argument(
        "--watchers", type=int, default=200, help="open streams of each kind (default 200)"
    )
    parser.add_argument("--runs", type=int, default=10_000, help="runs of a storm (default 10000)")
    parser.add_argument("--only", choices=PARTS, help="measure only this part")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="awaitstep-bench-"))
    try:
        for part in [options.only] if options.only else PARTS:
            _measure(part, folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(part: str, folder: Path, options: argparse.Namespace) -> None:
    rounds = options.rounds
    match part:
        case "programs":
            programs.measure(rounds=rounds, folder=folder)
        case "pictures" | "code_fields":
            {"pictures": pictures, "code_fields": code_fields}[part].measure(rounds=rounds)
        case "deploys":
            with _installations(folder / "deploys") as pair:
                deploy.measure(pair, rounds=rounds, folder=folder)
                page_updates.measure(pair.without, rounds=rounds)
                many_workers.measure(pair.without, rounds=rounds, workers=options.workers)
        case "projects":
            with _installations(folder / "projects") as pair:
                project_deploy.measure(pair, rounds=rounds, folder=folder)
        case "data":
            data.measure(folder, rounds=rounds)
        case "streams":
            event_streams.measure(folder, watchers=options.watchers)
        case "storm":
            storms.measure(folder / "storm", runs=options.runs)
        case _:
            _in_django(part, folder, rounds=rounds)


def _in_django(part: str, folder: Path, *, rounds: int) -> None:
    """Measure pages on a separate database, in a process with Django."""
    installation = Installation(folder / part)
    installation.migrate()
    code = f"from bench.{part} import measure; measure(rounds={rounds})"
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code]
    subprocess.run(command, cwd=PROJECT, env=installation.env, check=True)  # noqa: S603 - our own code


@contextmanager
def _installations(folder: Path) -> Iterator[Pair]:
    """Two running installations, with and without a spare process of wrangler."""
    folder.mkdir()
    with (
        _installation(folder / "with", spares=1) as first,
        _installation(folder / "without", spares=0) as second,
    ):
        yield Pair(with_spare=first, without=second)


@contextmanager
def _installation(folder: Path, *, spares: int) -> Iterator[Installation]:
    """A running installation of its own."""
    installation = Installation(folder, more_env={"AWAITSTEP_SPARE_WRANGLERS": str(spares)})
    try:
        installation.migrate()
        installation.start_platform()
        installation.start_server()
        installation.create_user("deployer")
        yield installation
    finally:
        installation.stop()


if __name__ == "__main__":
    main()
