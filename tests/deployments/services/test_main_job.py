"""The guide's workflow, deployed and run with the management commands."""

from __future__ import annotations

import json
import time
from importlib.resources import files
from typing import Any

import pytest

from deployments.pipeline.stages import HAPPY_PATH
from tests.support.installation import Installation

STEPS = [
    "my first step-1",
    "some other step-1",
    "wait on something-1",
    "make a call to write that could maybe, just might, fail-1",
]


def guide() -> dict[str, Any]:
    """The sample, with a sleep of one second."""
    text = files("workflows").joinpath("samples/guide.ir.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    for node in document["nodes"]:
        if node["type"] == "sleep":
            node["data"]["duration"] = "1 second"
    return document


def set_api(installation: Installation, workflow: str) -> None:
    api = f"http://127.0.0.1:{installation.local_cloudflare_port}/client/v4"
    installation.manage("set_variable", "CLOUDFLARE_API", api, "--workflow", workflow)


@pytest.fixture(scope="module")
def deployed(installation: Installation) -> str:
    workflow = installation.import_document(guide())
    set_api(installation, workflow)
    installation.manage("deploy_workflow", workflow)
    return workflow


def ended_run(installation: Installation, workflow: str, instance: str) -> dict[str, Any]:
    """Wait until the run has ended."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        run: dict[str, Any] = installation.json("describe_run", workflow, instance, "--json")
        if run["status"] in ("complete", "errored", "terminated"):
            return run
    raise AssertionError(f"the run does not end: {run}")


@pytest.fixture(scope="module")
def run(installation: Installation, deployed: str) -> dict[str, Any]:
    started = installation.json("trigger_workflow", deployed, "--payload", '{"hello":"world"}')
    assert started["id"]
    return ended_run(installation, deployed, "latest")


def test_deploy_workflow_prints_the_ten_stages(installation: Installation, deployed: str) -> None:
    printed = installation.manage("deploy_workflow", deployed).stdout.splitlines()

    stages = [json.loads(line) for line in printed]
    assert stages == [
        {"stage": stage.value, "message": stage.message, "progress": stage.percent}
        for stage in HAPPY_PATH
    ]


def test_the_run_has_the_guides_four_steps(run: dict[str, Any]) -> None:
    assert run["status"] == "complete"
    assert [step["name"] for step in run["steps"]] == STEPS
    assert [step["type"] for step in run["steps"]] == ["step", "step", "sleep", "step"]


def test_the_run_has_the_payload_and_the_outputs(run: dict[str, Any]) -> None:
    first, second = run["steps"][:2]

    assert "doc_7392_rev3.pdf" in json.dumps(first["output"])
    assert "hello" in json.dumps(first["output"])
    assert "ipv4_cidrs" in json.dumps(second["output"])
    assert "hello" in json.dumps(run["params"])


def test_the_last_step_failed_once_and_was_retried(run: dict[str, Any]) -> None:
    attempts = run["steps"][3]["attempts"]

    assert [attempt["success"] for attempt in attempts] == [False, True]
    assert "API call to $STORAGE_SYSTEM failed" in attempts[0]["error"]["message"]


def test_describe_run_prints_what_the_guide_shows(
    installation: Installation, deployed: str, run: dict[str, Any]
) -> None:
    text = installation.manage("describe_run", deployed, "latest").stdout

    assert f"Workflow Name: awaitstep-{deployed}" in text
    assert "Status: Complete" in text
    assert f"Last Successful Step: {STEPS[3]}" in text
    assert "Type: Sleeping" in text
    for step in STEPS:
        assert f"Name: {step}" in text


def test_a_request_to_the_worker_starts_a_run(installation: Installation, deployed: str) -> None:
    started = installation.worker(deployed).json()

    status = installation.worker(deployed, f"/?instanceId={started['id']}").json()
    assert started["instanceId"] == started["id"]
    assert "status" in started["details"]
    assert "status" in status["status"]


def test_the_history_shows_what_was_deployed(installation: Installation, deployed: str) -> None:
    newest = installation.json("list_deployments", "--workflow", deployed, "--json")[0]

    assert (newest["status"], newest["stage"]) == ("succeeded", "COMPLETED")
    assert newest["worker_name"] == f"awaitstep-{deployed}"
    port = installation.local_cloudflare_port
    assert newest["worker_url"] == f"http://awaitstep-{deployed}.localhost:{port}"
