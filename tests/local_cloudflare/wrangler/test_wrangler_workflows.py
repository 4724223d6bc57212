"""The real wrangler's commands for Workflows and their runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import deploy_workflow, wait_for, wait_for_status
from tests.support.platform_fixture import Platform

NAME = "by-wrangler"
WAITING = {"wait": True}


@pytest.fixture(scope="module")
def deployed(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME)
    return platform


@pytest.fixture
def wrangler(deployed: Platform, project: Project) -> Wrangler:
    return Wrangler(project)


class Wrangler:
    """Runs `wrangler workflows`, which must succeed."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __call__(self, *arguments: str) -> str:
        result = self.project.wrangler("workflows", *arguments)
        assert result.exit_code == 0, result.stdout + result.stderr
        return result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def list_all(self) -> str:
        """Return all pages of the list: other tests deploy Workflows to the same platform."""
        pages: list[str] = []
        while not pages or "Showing 100 workflows" in pages[-1]:
            pages.append(self("list", "--per-page", "100", "--page", str(len(pages) + 1)))
        return "\n".join(pages)

    def trigger(self, params: object = None, *arguments: str) -> str:
        payload = [] if params is None else [json.dumps(params)]
        return str(self.json("trigger", NAME, *payload, *arguments)["id"])

    def wait_for_status(self, instance: str, expected: str) -> None:
        wait_for_status(self.project.platform, NAME, instance, expected)


def test_workflows_are_listed_and_described(wrangler: Wrangler) -> None:
    listed = wrangler.list_all()
    described = wrangler("describe", NAME)

    assert NAME in listed
    assert "Flow" in listed
    assert "Latest Version:" in described


def test_a_triggered_run_has_its_params_and_id(wrangler: Wrangler) -> None:
    output = wrangler("trigger", NAME, '{"hello":"world"}', "--id", "given-by-wrangler")

    assert 'Workflow instance "given-by-wrangler" has been queued successfully' in output
    run = wrangler.json("instances", "describe", NAME, "given-by-wrangler")
    assert run["params"] == {"hello": "world"}


def test_the_latest_run_is_described_as_in_the_guide(wrangler: Wrangler) -> None:
    instance = wrangler.trigger({"sleep": 50, "fails": 20})
    wrangler.wait_for_status(instance, "complete")

    output = wrangler("instances", "describe", NAME, "latest")

    for line in ("Completed", "🌎 API", "second-1", "nap-1", "💤 Sleeping", "🎯 Step"):
        assert line in output
    assert f"Instance Id:           {instance}" in output
    assert "Error: not yet" in output
    assert r'Output:    "{\"attempt\":2}"' in output


@pytest.mark.long
def test_runs_are_listed_by_status_date_and_page(wrangler: Wrangler) -> None:
    ids = [wrangler.trigger(WAITING) for _ in range(3)]
    for run in ids:
        wrangler.wait_for_status(run, "waiting")
    instances = ("instances", "list", NAME, "--status", "waiting")

    listed = [run["id"] for run in wrangler.json(*instances)]
    second = wrangler.json(*instances, "--per-page", "1", "--page", "2")
    future = wrangler.json("instances", "list", NAME, "--date-start", "2100-01-01")

    assert listed[:3] == ids[::-1]
    assert [run["id"] for run in second] == [ids[1]]
    assert future == []


@pytest.mark.long
def test_a_run_is_paused_resumed_and_terminated_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger(WAITING)
    wrangler.wait_for_status(instance, "waiting")

    wrangler("instances", "pause", NAME, instance)
    wrangler.wait_for_status(instance, "paused")
    wrangler("instances", "resume", NAME, "latest")
    wrangler.wait_for_status(instance, "waiting")
    wrangler("instances", "terminate", NAME, instance)

    output = wrangler("instances", "describe", NAME, instance)
    assert "🚫 Terminated" in output
    assert "🚫 Termination" in output


def test_an_event_is_sent_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger(WAITING)
    wrangler.wait_for_status(instance, "waiting")

    sent = ("--type", "call", "--payload", '{"said":"hello"}')
    wrangler("instances", "send-event", NAME, instance, *sent)

    wrangler.wait_for_status(instance, "complete")
    run = wrangler.json("instances", "describe", NAME, instance)
    assert json.loads(run["output"])["received"] == {"said": "hello"}


@pytest.mark.long
def test_a_run_is_restarted_from_a_step(wrangler: Wrangler) -> None:
    instance = wrangler.trigger()
    wrangler.wait_for_status(instance, "complete")
    before = wrangler.json("instances", "describe", NAME, instance)

    wrangler("instances", "restart", NAME, instance, "--from-step-name", "second")

    wrangler.wait_for_status(instance, "complete")
    after = wrangler.json("instances", "describe", NAME, instance)
    assert after["steps"][0] == before["steps"][0]
    assert after["steps"][1]["start"] > before["steps"][1]["start"]


@pytest.mark.long
def test_runs_are_deleted_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger()

    result = wrangler.project.wrangler(
        "workflows", "instances", "delete", NAME, instance, "missing-run"
    )

    assert result.exit_code == 1
    assert f'Deleted workflow instances from "{NAME}": "{instance}"' in result.stdout
    assert "missing-run: workflows.api.error.instance.not_found" in result.stdout + result.stderr


WITH_ROLLBACK = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const rollback = async ({ output }) => { console.log("undone", output); };
    await step.do("book", async () => "seat", { rollback });
    await step.waitForEvent("ear", { type: "call", timeout: "1 hour" });
  }
}
export default { fetch: () => new Response("") };
"""


@pytest.mark.long
def test_a_terminated_run_is_rolled_back_on_request(deployed: Platform, project: Project) -> None:
    binding = {"name": project.name, "binding": "WORKFLOW", "class_name": "Flow"}
    project.write(WITH_ROLLBACK, workflows=[binding])
    project.deploy()
    triggered = project.wrangler("workflows", "trigger", project.name, "--json")
    instance = json.loads(triggered.stdout)["id"]
    wait_for_status(deployed, project.name, instance, "waiting")

    result = project.wrangler(
        "workflows", "instances", "terminate", project.name, instance, "--rollback"
    )

    assert result.exit_code == 0, result.stdout + result.stderr
    wait_for_status(deployed, project.name, instance, "terminated")
    path = f"workflows/{project.name}/instances/{instance}"
    run = deployed.api("GET", path).json()["result"]
    kinds = [(step.get("name"), step["type"]) for step in run["steps"]]
    assert kinds == [
        ("book-1", "step"),
        ("ear-1", "waitForEvent"),
        ("book-1", "rollback"),
        (None, "termination"),
    ]
    assert (run["status"], run["rollback"]["outcome"]) == ("terminated", "complete")


@pytest.mark.long
def test_all_unfinished_runs_are_terminated(deployed: Platform, project: Project) -> None:
    deploy_workflow(deployed, "all-ended")
    path = "workflows/all-ended/instances"
    deployed.api("POST", f"{path}/batch", json=[{"params": WAITING} for _ in range(12)])

    result = project.wrangler("workflows", "instances", "terminate-all", "all-ended")

    assert result.exit_code == 0, result.stdout + result.stderr
    assert "has been started" in result.stdout
    job = f"{path}/terminate"
    wait_for(lambda: deployed.api("GET", job).json()["result"]["status"], "not_running")
    counts = deployed.api("GET", "workflows/all-ended").json()["result"]["instances"]
    assert (counts["terminated"], counts["waiting"], counts["running"]) == (12, 0, 0)
