"""Runs a host of wrangler, and the next one when it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = sys.argv[1:]
SOCKET = Path(COMMAND[2])

while True:
    SOCKET.unlink(missing_ok=True)
    subprocess.run(COMMAND, check=False)
