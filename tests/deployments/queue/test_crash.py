"""After a crash, the deployment ends and the next one can start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.deployments.fakes import document
from tests.support import warm_wrangler
from tests.support.installation import PROJECT, Installation
from tests.support.patience import PATIENCE
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import wait_until
from toolchain import process


@pytest.fixture(scope="module")
def without_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Only the commands run deployments here."""
    # A loaded wrangler can write into the folder of a deploy for a moment after it has replied.
    variables = {warm_wrangler.VARIABLE: ""}
    quiet = Installation(Path(tmp_path_factory.mktemp("quiet")) / "data", more_env=variables)
    quiet.migrate()
    quiet.start_platform()
    yield quiet
    quiet.stop()


def killed_at(installation: Installation, workflow: str, stage: str) -> list[psutil.Process]:
    """Kill a deploy with SIGKILL when it enters the stage; return its running programs."""
    command = [sys.executable, "manage.py", "deploy_workflow", workflow]
    deploy = process.start(command, cwd=PROJECT, env=installation.env)
    assert deploy.stdout
    for line in deploy.stdout:
        if json.loads(line)["stage"] == stage:
            break
    started = psutil.Process(deploy.pid)
    while stage == "DEPLOYING" and not started.children():
        assert deploy.poll() is None
    programs = started.children(recursive=True)
    deploy.kill()
    deploy.communicate()
    return programs


def history(installation: Installation, workflow: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = installation.json(
        "list_deployments", "--workflow", workflow, "--json"
    )
    return rows


@pytest.mark.parametrize("stage", ["GENERATING_CODE", "DEPLOYING"])
def test_a_killed_deploy_is_interrupted_and_the_next_one_succeeds(
    without_server: Installation, stage: str
) -> None:
    workflow = without_server.import_document(document())
    programs = killed_at(without_server, workflow, stage)

    without_server.manage("deploy_workflow", workflow)

    assert not any(map(is_running, programs))
    newest, interrupted = history(without_server, workflow)
    assert (newest["status"], interrupted["status"]) == ("succeeded", "interrupted")
    assert interrupted["stage"] == stage
    assert "You can deploy again" in interrupted["message"]
    assert not list((without_server.data_dir / "deploys").iterdir())


def test_a_starting_server_cleans_up_after_a_killed_one_and_removes_its_secrets(
    without_server: Installation,
) -> None:
    workflow = without_server.import_document(document())
    secret = ["set_variable", "TOKEN", "-", "--workflow", workflow, "--secret"]
    without_server.manage(*secret, stdin="of-a-killed-deploy")
    killed_at(without_server, workflow, "DEPLOYING")
    deploys = without_server.data_dir / "deploys"
    assert list(deploys.glob("*/secrets.json"))

    server = without_server.start_server()
    without_server.create_user("deployer")
    with without_server.client() as client:
        pk = history(without_server, workflow)[0]["id"]
        stream = client.get(f"/deployments/{pk}/events/").text

    assert '"status": "interrupted"' in stream
    wait_until(lambda: not any(deploys.iterdir()))
    server.terminate()
    server.wait()


def test_two_concurrent_commands_agree_on_keys_token_and_target(tmp_path: Path) -> None:
    fresh = Installation(tmp_path / "data")
    fresh.migrate()
    code = (
        "from targets.lookup import default_target, account_of;"
        "t = default_target(); print(t.pk, account_of(t).api_token)"
    )
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]

    both = [
        subprocess.Popen(command, cwd=PROJECT, env=fresh.env, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]

    printed = {item.communicate(timeout=PATIENCE)[0] for item in both}
    assert len(printed) == 1
    assert [item.returncode for item in both] == [0, 0]
