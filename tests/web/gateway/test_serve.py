"""`manage.py serve`, which runs the web server alone."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.environment import free_port
from tests.support.installation import Installation, wait_for_port
from tests.support.patience import PATIENCE
from tests.support.plain_http import request


def test_the_web_server_runs_alone_on_the_chosen_port_until_it_is_stopped(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    installation.migrate()
    port = free_port()
    started = installation.start("manage.py", "serve", "--port", str(port))
    try:
        wait_for_port(port, started, installation.log)
        large = request("POST", f"http://127.0.0.1:{port}/admin/login/", content=b"x" * 70_000)
        alive = request("GET", f"http://127.0.0.1:{port}/healthz")
        started.send_signal(signal.SIGTERM)
        started.wait(timeout=PATIENCE)
    finally:
        installation.stop()

    assert alive.status_code == 200
    assert large.status_code == 413
    assert started.returncode == 0
