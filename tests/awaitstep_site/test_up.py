"""`manage.py up`, which `make run` calls after the installation."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.installation import PROJECT, Installation
from tests.support.patience import PATIENCE
from tests.support.plain_http import request
from toolchain import process

READY = "Ctrl-C stops everything."


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    fresh = Installation(tmp_path / "data")
    yield fresh
    fresh.stop()


def up(installation: Installation) -> tuple[subprocess.Popen[bytes], str]:
    """Start everything; return the process and what it printed until it was ready."""
    command = [sys.executable, "manage.py", "up"]
    started = process.start(command, cwd=PROJECT, env=installation.env)
    return started, read_until(started, READY)


def read_until(started: subprocess.Popen[bytes], text: str) -> str:
    """Return what the program prints up to this text."""
    assert started.stdout
    printed = ""
    for line in started.stdout:
        printed += line.decode()
        if text in printed:
            return printed
    raise AssertionError(printed + started.communicate()[1].decode())


def kill_platform(started: subprocess.Popen[bytes]) -> None:
    children = psutil.Process(started.pid).children()
    (platform,) = [child for child in children if "local_cloudflare" in child.cmdline()]
    platform.kill()


def interrupted(started: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Press Ctrl-C and return the processes that were running before."""
    running = psutil.Process(started.pid).children(recursive=True)
    started.send_signal(signal.SIGINT)
    started.communicate(timeout=PATIENCE)
    return running


def test_everything_starts_with_one_command_keeps_running_and_stops_with_ctrl_c(
    installation: Installation,
) -> None:
    started, printed = up(installation)

    url = re.search(r"http://(awaitstep-\w+)\.localhost", printed)
    assert url
    assert request("GET", f"http://127.0.0.1:{installation.port}/admin/login/").status_code == 200
    assert "id" in installation.worker(url[1].removeprefix("awaitstep-")).json()
    assert "password" in printed
    running = interrupted(started)
    assert started.returncode == 0
    assert len(running) >= 3
    assert psutil.wait_procs(running, timeout=PATIENCE)[1] == []

    again, printed = up(installation)
    kill_platform(again)
    printed += read_until(again, "The embedded platform is running again.")
    assert "id" in installation.worker(url[1].removeprefix("awaitstep-")).json()
    interrupted(again)
    assert "password" not in printed
    assert "Sample:" not in printed


def test_a_port_in_use_is_named_in_the_error(installation: Installation) -> None:
    with socket.socket() as occupied:
        occupied.bind(("127.0.0.1", installation.port))
        occupied.listen()

        done = installation.manage("up", check=False)

    assert done.returncode == 1
    assert f"Port {installation.port} is in use" in done.stderr
    assert "AWAITSTEP_PORT=" in done.stderr
    assert not (installation.data_dir / "db.sqlite3").exists()
