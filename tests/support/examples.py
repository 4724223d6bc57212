"""How many random examples a test draws: few in `make test`, many in `make test-long`."""

from __future__ import annotations

import os
from typing import Final

LONG: Final = os.environ.get("AWAITSTEP_TEST_LONG") == "1"


def examples(few: int, many: int) -> int:
    return many if LONG else few
