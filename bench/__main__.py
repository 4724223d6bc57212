"""`make bench`: timings, as ratios taken in one run, with the method beside each figure."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from bench import crowd, deploy, page
from tests.installation import Installation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="deploys of each kind (default 7)")
    parser.add_argument("--workers", type=int, default=50, help="Workers of a full platform")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="awaitstep-bench-"))
    installation = Installation(folder / "data")
    try:
        installation.manage("migrate", "--verbosity", "0")
        installation.start_platform()
        installation.start_server()
        installation.create_user("deployer")
        deploy.measure(installation, rounds=options.rounds, folder=folder)
        page.measure(installation, rounds=options.rounds)
        crowd.measure(installation, rounds=options.rounds, workers=options.workers)
    finally:
        installation.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
