"""Collect this folder only in `make test-long`."""

from __future__ import annotations

from tests.support.examples import LONG

collect_ignore_glob = [] if LONG else ["test_*.py"]
