"""The spare process of wrangler that a web server keeps."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.deployments.fakes import document
from tests.support.installation import Installation
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import wait_until


@pytest.fixture(scope="module")
def with_spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = Path(tmp_path_factory.mktemp("spare"))
    fresh = Installation(folder / "data", more_env={"AWAITSTEP_SPARE_WRANGLERS": "1"})
    fresh.migrate()
    fresh.create_user("deployer")
    fresh.start_platform()
    yield fresh
    fresh.stop()


def deploy(client: httpx.Client, workflow: str) -> None:
    stream = client.post(f"/api/workflows/{workflow}/deploy-stream", json={}).text
    assert '"COMPLETED"' in stream, stream


def spares_of(server: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [child for child in psutil.Process(server.pid).children() if is_spare(child)]


def is_spare(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return any("spare_program.cjs" in argument for argument in process.cmdline())
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_starts_spares_before_and_after_a_deploy_and_ends_them_with_itself(
    with_spare: Installation, number: signal.Signals
) -> None:
    server = with_spare.start_server()
    assert spares_of(server) == []
    workflow = with_spare.import_document(document())
    with with_spare.client() as client:
        client.get(f"/workflows/{workflow}/deploy/").raise_for_status()
        wait_until(lambda: bool(spares_of(server)))
        first = spares_of(server)
        deploy(client, workflow)
    wait_until(lambda: bool(spares_of(server)))
    (spare,) = spares_of(server)
    assert spare not in first

    server.send_signal(number)
    server.wait()

    wait_until(lambda: not is_running(spare))
    assert "is not used" not in with_spare.log.read_text()
