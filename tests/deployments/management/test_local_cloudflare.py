from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.support.installation import Installation


def test_it_is_refused_in_production(tmp_path: Path) -> None:
    production = {"AWAITSTEP_MODE": "production", "AWAITSTEP_ALLOWED_HOSTS": "example.com"}
    installation = Installation(tmp_path / "data", more_env=production)

    done = installation.manage("local_cloudflare", check=False)

    assert done.returncode == 1
    assert "AWAITSTEP_LOCAL_CLOUDFLARE=true" in done.stderr


@pytest.mark.long
def test_a_port_in_use_is_a_clear_error(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.local_cloudflare_port))
        taken.listen()

        done = installation.manage("local_cloudflare", check=False)

    assert done.returncode == 1
    assert str(installation.local_cloudflare_port) in done.stderr
    assert "Traceback" not in done.stderr
