"""Runs by commands: sending an event, unknown ids, Workers that are not live."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.deployments.fakes import document
from tests.deployments.services.test_main_job import ended_run
from tests.support.installation import Installation


def waiting_document() -> dict[str, Any]:
    """A workflow that waits for an approval and returns its payload."""
    waiting = document("return {{ approval.payload }};")
    wait = waiting["nodes"][0] | {
        "id": "approval",
        "type": "wait_for_event",
        "name": "Wait for approval",
        "data": {"eventType": "approve"},
    }
    waiting["nodes"] = [wait, *waiting["nodes"]]
    waiting["edges"] = [{"id": "e1", "source": "approval", "target": "only"}]
    return waiting | {"entryNodeId": "approval"}


@pytest.fixture(scope="module")
def workflow(installation: Installation) -> str:
    workflow = installation.import_document(waiting_document())
    installation.manage("deploy_workflow", workflow)
    return workflow


@pytest.mark.parametrize("payload", [{"by": "Ada"}, None])
def test_a_run_waits_until_its_event_is_sent(
    installation: Installation, workflow: str, payload: Any
) -> None:
    started = installation.json("trigger_workflow", workflow)["id"]
    text = json.dumps(payload)

    installation.manage("send_event", workflow, started, "approve", "--payload", text)

    run = ended_run(installation, workflow, started)
    assert run["status"] == "complete"
    assert json.loads(run["steps"][1]["output"]) == payload


@pytest.mark.parametrize(
    "command",
    [
        ["describe_run", "ID", "no-such-run"],
        ["send_event", "ID", "no-such-run", "approve"],
        ["trigger_workflow", "ID", "--payload", "{"],
        ["trigger_workflow", "nobody"],
        ["deploy_workflow", "nobody"],
        ["deploy_workflow", "ID", "--target", "nowhere"],
    ],
)
def test_an_unknown_run_is_an_error_message_and_exit_code_1(
    installation: Installation, workflow: str, command: list[str]
) -> None:
    named = [workflow if word == "ID" else word for word in command]

    done = installation.manage(*named, check=False)

    assert done.returncode == 1
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_a_workflow_without_a_worker_or_a_run_is_reported(installation: Installation) -> None:
    fresh = installation.import_document(document())

    never = installation.manage("trigger_workflow", fresh, check=False)
    installation.manage("deploy_workflow", fresh)
    nothing = installation.manage("describe_run", fresh, "latest", check=False)

    assert (never.returncode, nothing.returncode) == (1, 1)
    assert "Deploy it first" in never.stderr
    assert "no runs yet" in nothing.stderr
