from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
CODE = """
import sys, django
django.setup()
import monitoring.traces.exporter_thread
sys.exit("opentelemetry" in sys.modules)
"""


def test_the_sdk_is_not_imported_without_a_collector() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
