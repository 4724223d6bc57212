"""After a crash at any stage, the deployment ends and the next one can start."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from deployments.pipeline.stages import Action
from tests.deployments.fakes import document
from tests.local_cloudflare.support.control import Control, Fault, controlled
from tests.support import warm_wrangler
from tests.support.installation import PROJECT, Installation
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform, start_platform
from tests.support.programs.processes import is_running
from tests.targets.cloudflare.accounts import wait_until
from toolchain import process


@pytest.fixture(scope="module")
def platform_and_commands(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Platform, Installation]]:
    """Only the commands run deployments here."""
    # A loaded wrangler can write into the folder of a deploy for a moment after it has replied.
    variables = {warm_wrangler.VARIABLE: ""}
    quiet = Installation(Path(tmp_path_factory.mktemp("quiet")) / "data", more_env=variables)
    quiet.migrate()
    platform = start_platform(quiet.data_dir, port=quiet.local_cloudflare_port)
    yield platform, quiet
    quiet.stop()
    platform.running.stop()


@pytest.fixture
def without_server(platform_and_commands: tuple[Platform, Installation]) -> Installation:
    return platform_and_commands[1]


@pytest.fixture
def control(platform_and_commands: tuple[Platform, Installation]) -> Iterator[Control]:
    platform, _ = platform_and_commands
    with controlled(platform.api_base_url, platform.token) as control:
        yield control


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


def kill_at_each_stage(installation: Installation, action: Action, *command: str) -> None:
    """Run the command once for each stage of the action, and kill it there."""
    stages = ",".join(action.path)
    program = [sys.executable, "-m", "tests.support.programs.killed_commands", stages, *command]
    done = process.run(program, cwd=PROJECT, env=installation.env, timeout=PATIENCE)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == [-signal.SIGKILL] * len(action.path)


def ends(installation: Installation, workflow: str, action: Action) -> list[tuple[str, str, str]]:
    """Return the stage, status and upload of every deployment with this action, oldest first."""
    with closing(sqlite3.connect(installation.data_dir / "db.sqlite3")) as database:
        return database.execute(
            "SELECT stage, status, uploaded FROM deployments_deployment"
            " WHERE workflow_public_id = ? AND action = ? ORDER BY id",
            [workflow, action.value],
        ).fetchall()


def test_a_deploy_can_be_killed_at_any_stage(without_server: Installation) -> None:
    workflow = without_server.import_document(document())

    kill_at_each_stage(without_server, Action.DEPLOY, "deploy_workflow", workflow)
    without_server.manage("deploy_workflow", workflow)

    *interrupted, completed, last = ends(without_server, workflow, Action.DEPLOY)
    assert interrupted == [
        ("INITIALIZING", "interrupted", "no"),
        ("GENERATING_CODE", "interrupted", "no"),
        ("CODE_READY", "interrupted", "no"),
        ("DETECTING_BINDINGS", "interrupted", "no"),
        ("BINDINGS_READY", "interrupted", "no"),
        ("CREATING_WORKER", "interrupted", "no"),
        ("DEPLOYING", "interrupted", "no"),
        ("WORKER_DEPLOYED", "interrupted", "yes"),
        ("UPDATING_WORKFLOW", "interrupted", "yes"),
    ]
    assert completed == last == ("COMPLETED", "succeeded", "yes")


@pytest.mark.long
def test_a_rollback_can_be_killed_at_any_stage(without_server: Installation) -> None:
    workflow = without_server.import_document(document())
    for _ in range(2):
        without_server.manage("deploy_workflow", workflow)
    to = history(without_server, workflow)[-1]["id"]
    command = ("rollback_workflow", workflow, "--to", str(to))

    kill_at_each_stage(without_server, Action.ROLLBACK, *command)
    without_server.manage(*command)

    stages = [
        (stage, status) for stage, status, _ in ends(without_server, workflow, Action.ROLLBACK)
    ]
    assert stages == [
        ("INITIALIZING", "interrupted"),
        ("DEPLOYING", "interrupted"),
        ("WORKER_DEPLOYED", "interrupted"),
        ("UPDATING_WORKFLOW", "interrupted"),
        ("COMPLETED", "succeeded"),
        ("COMPLETED", "succeeded"),
    ]


@pytest.mark.long
def test_a_retry_can_be_killed_at_any_stage(without_server: Installation, control: Control) -> None:
    workflow = without_server.import_document(document())
    control.faults(Fault(method="PUT", path="/workflows/awaitstep-", status=400, code=10021))
    without_server.manage("deploy_workflow", workflow, check=False)
    control.faults()
    (partial,) = history(without_server, workflow)
    assert partial["status"] == "partial"

    kill_at_each_stage(without_server, Action.RETRY, "retry_deployment", str(partial["id"]))

    stages = [(stage, status) for stage, status, _ in ends(without_server, workflow, Action.RETRY)]
    assert stages == [
        ("INITIALIZING", "interrupted"),
        ("UPDATING_WORKFLOW", "interrupted"),
        ("COMPLETED", "succeeded"),
    ]


def test_a_takedown_can_be_killed_at_any_stage(without_server: Installation) -> None:
    workflow = without_server.import_document(document())
    without_server.manage("deploy_workflow", workflow)
    command = ("take_down_workflow", workflow, "--yes")

    kill_at_each_stage(without_server, Action.TAKEDOWN, *command)

    stages = [
        (stage, status) for stage, status, _ in ends(without_server, workflow, Action.TAKEDOWN)
    ]
    assert stages == [
        ("INITIALIZING", "interrupted"),
        ("UPDATING_WORKFLOW", "interrupted"),
        ("COMPLETED", "succeeded"),
    ]


@pytest.mark.long
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
