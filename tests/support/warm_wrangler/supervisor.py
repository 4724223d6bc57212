"""Runs a host of wrangler, and replaces it when it exits or no longer responds."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

COMMAND = sys.argv[1:]
SOCKET = Path(COMMAND[2])
PING_INTERVAL = 2  # seconds
PATIENCE = 20  # seconds, longer than a host takes to start or to run a command


def main() -> None:
    while True:
        SOCKET.unlink(missing_ok=True)
        with subprocess.Popen(COMMAND) as host:
            answered_at = time.monotonic()
            while not has_ended(host):
                if answers():
                    answered_at = time.monotonic()
                elif time.monotonic() > answered_at + PATIENCE:
                    host.kill()  # otherwise, each command waits until its time limit, and then loads wrangler itself


def has_ended(host: subprocess.Popen[bytes]) -> bool:
    with suppress(subprocess.TimeoutExpired):
        host.wait(PING_INTERVAL)
    return host.returncode is not None


def answers() -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(SOCKET))
            connection.sendall(b'{"ping": true}\n')
            return bool(connection.recv(1))
        except OSError:
            return False


if __name__ == "__main__":
    main()
