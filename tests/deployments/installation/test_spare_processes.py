"""The spare process of wrangler that a web server keeps."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

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


def deploy(installation: Installation) -> None:
    workflow = installation.import_document(document())
    with installation.client() as client:
        stream = client.post(f"/api/workflows/{workflow}/deploy-stream", json={}).text
    assert '"COMPLETED"' in stream, stream


def spares_of(server: subprocess.Popen[bytes]) -> list[psutil.Process]:
    children = psutil.Process(server.pid).children()
    return [child for child in children if "spare_program.cjs" in str(child.cmdline())]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_server_starts_a_spare_after_a_deploy_and_ends_it_with_itself(
    with_spare: Installation, number: signal.Signals
) -> None:
    server = with_spare.start_server()
    assert spares_of(server) == []
    deploy(with_spare)
    wait_until(lambda: bool(spares_of(server)))
    (spare,) = spares_of(server)

    server.send_signal(number)
    server.wait()

    wait_until(lambda: not is_running(spare))
    assert "is not used" not in with_spare.log.read_text()
