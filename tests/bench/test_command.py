from __future__ import annotations

import subprocess
import sys

from tests.support.installation import PROJECT


def test_the_benchmarks_start_without_django() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--help"],
        cwd=PROJECT,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "--rounds" in done.stdout
