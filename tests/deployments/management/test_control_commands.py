"""The commands that deploy, plan, roll back, cancel, retry, take down and check drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.fakes import document
from tests.local_cloudflare.support.control import Control, Fault, controlled
from tests.support.installation import Installation
from tests.support.platform_fixture import start_platform


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation without a server, with a platform that can be made to fail."""
    quiet = Installation(Path(tmp_path_factory.mktemp("commands")) / "data")
    quiet.migrate()
    platform = start_platform(quiet.data_dir, port=quiet.local_cloudflare_port)
    yield quiet
    platform.running.stop()
    quiet.stop()


@pytest.fixture
def faults(here: Installation) -> Iterator[Control]:
    token = (here.data_dir / "local_cloudflare" / "token").read_text().strip()
    with controlled(f"http://127.0.0.1:{here.local_cloudflare_port}", token) as control:
        yield control


@pytest.fixture(scope="module")
def workflow(here: Installation) -> str:
    """A workflow that was deployed in two versions."""
    workflow = here.import_document(document())
    here.manage("deploy_workflow", workflow)
    here.import_document(document("return 2;"), into=workflow)
    here.manage("deploy_workflow", workflow)
    return workflow


def lines(printed: str) -> list[Any]:
    return [json.loads(line) for line in printed.splitlines()]


def newest(here: Installation, workflow: str) -> dict[str, Any]:
    row: dict[str, Any] = here.json("list_deployments", "--workflow", workflow, "--json")[0]
    return row


def test_a_plan_prints_what_would_change(here: Installation) -> None:
    workflow = here.import_document(document("return env.GREETING;"))
    here.manage("set_variable", "GREETING", "hello", "--workflow", workflow)

    words = here.manage("deploy_workflow", workflow, "--plan").stdout
    plan = here.json("deploy_workflow", workflow, "--plan", "--json")

    assert "A new Worker." in words
    assert "+ variable GREETING  hello" in words
    assert plan["canDeploy"]
    assert {check["state"] for check in plan["checks"]} == {"passed"}
    assert words.startswith("✓ Token and account\n")
    assert {"what": "variable", "name": "GREETING"}.items() <= plan["changes"][1].items()


def test_a_plan_that_cannot_be_deployed_exits_with_one(here: Installation) -> None:
    workflow = here.import_document(document("return env.NOBODY_SET;"))

    refused = here.manage("deploy_workflow", workflow, "--plan", check=False)

    assert refused.returncode == 1
    assert "✓ Token and account\n✓ workers.dev subdomain\n" in refused.stdout
    assert "? Limits: unknown\n" in refused.stdout
    assert refused.stdout.count("The code uses env.NOBODY_SET") == 1
    assert "✗ only: The code uses env.NOBODY_SET" in refused.stdout.replace(
        "Only step (only)", "only"
    )


@pytest.mark.long
def test_a_rollback_prints_its_stages_and_its_result(here: Installation, workflow: str) -> None:
    first = here.json("list_deployments", "--workflow", workflow, "--json")[-1]["id"]

    output = here.manage("rollback_workflow", workflow, "--to", str(first), "--json").stdout

    *stages, last = lines(output)
    assert [stage["progress"] for stage in stages] == [5, 65, 80, 90, 100]
    assert last["result"]["status"] == "succeeded"


def test_without_a_number_the_command_restores_what_was_live_before(here: Installation) -> None:
    workflow = here.import_document(document())
    here.manage("deploy_workflow", workflow)

    refused = here.manage("rollback_workflow", workflow, check=False)

    assert refused.returncode == 1
    assert "There is no earlier live deployment" in refused.stderr


def test_a_deployment_that_has_ended_is_cancelled_without_an_error(
    here: Installation, workflow: str
) -> None:
    pk = newest(here, workflow)["id"]

    answers = [here.json("cancel_deployment", str(pk), "--json") for _ in range(2)]

    assert [answer["status"] for answer in answers] == ["succeeded", "succeeded"]
    output = here.manage("cancel_deployment", str(pk)).stdout
    assert output == f"#{pk} had already ended: Succeeded.\n"


def test_failed_parts_are_retried(here: Installation, faults: Control) -> None:
    workflow = here.import_document(document())
    faults.faults(Fault(method="PUT", path="/schedules", status=400, code=10021, message="no"))
    here.import_document(
        document() | {"trigger": {"type": "cron", "expression": "1 1 * * *"}}, into=workflow
    )
    ended = here.manage("deploy_workflow", workflow, check=False)
    partial = newest(here, workflow)
    faults.faults()

    output = here.manage("retry_deployment", str(partial["id"])).stdout

    assert partial["status"] == "partial"
    assert f"#{partial['id']} Partial: The code is live" in ended.stderr
    assert "  failed: schedule" in ended.stderr
    assert f"manage.py retry_deployment {partial['id']}" in ended.stderr
    assert "schedule   done" in output or "schedule  done" in output


def test_drift_is_printed_and_exits_with_one(here: Installation, faults: Control) -> None:
    workflow = here.import_document(document())
    here.manage("deploy_workflow", workflow)
    assert here.json("check_drift", workflow, "--json")[0]["state"] == "same"
    faults.dashboard_edit(f"awaitstep-{workflow}")

    drifted = here.manage("check_drift", workflow, check=False)

    assert drifted.returncode == 1
    assert "in the Cloudflare dashboard" in drifted.stdout


def test_a_workflow_that_was_taken_down_can_be_deployed_again(here: Installation) -> None:
    workflow = here.import_document(document())
    here.manage("deploy_workflow", workflow)

    refused = here.manage("take_down_workflow", workflow, "--confirm", "one step", check=False)
    output = here.manage("take_down_workflow", workflow, "--confirm", "One step").stdout

    assert (refused.returncode, "The name does not match" in refused.stderr) == (1, True)
    assert "Succeeded" in output
    assert "http" not in output
    assert newest(here, workflow)["status"] == "succeeded"
    assert "Nothing is deployed" in here.manage("check_drift", workflow).stdout
    assert here.manage("deploy_workflow", workflow).returncode == 0


def test_without_a_terminal_a_takedown_must_be_confirmed(here: Installation, workflow: str) -> None:
    before = newest(here, workflow)

    refused = here.manage("take_down_workflow", workflow, check=False)

    assert refused.returncode == 1
    assert "Nothing was taken down" in refused.stderr
    assert "--confirm 'One step'" in refused.stderr
    assert newest(here, workflow) == before


@pytest.mark.parametrize(
    "command",
    [
        ("cancel_deployment", "99999"),
        ("retry_deployment", "99999"),
        ("rollback_workflow", "nobody"),
        ("take_down_workflow", "nobody"),
        ("check_drift", "nobody"),
        ("deploy_workflow", "nobody", "--plan"),
    ],
)
def test_unknown_names_are_reported_in_a_sentence(
    here: Installation, command: tuple[str, ...]
) -> None:
    refused = here.manage(*command, check=False)

    assert refused.returncode == 1
    assert "There is no" in refused.stderr
    assert "Traceback" not in refused.stderr
