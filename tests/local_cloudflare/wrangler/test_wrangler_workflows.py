"""The real wrangler's commands for Workflows and their instances."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local_cloudflare.support.projects import Project
from tests.local_cloudflare.support.workers import deploy_workflow, run_status, wait_for
from tests.support.platform_fixture import Platform

NAME = "by-wrangler"
PAUSING = {"wait": True}


@pytest.fixture(scope="module")
def deployed(platform: Platform) -> Platform:
    deploy_workflow(platform, NAME)
    return platform


@pytest.fixture
def wrangler(deployed: Platform, project: Project) -> Wrangler:
    return Wrangler(project)


class Wrangler:
    """`wrangler workflows`, which must succeed."""

    def __init__(self, project: Project) -> None:
        self.project = project

    def __call__(self, *arguments: str) -> str:
        done = self.project.wrangler("workflows", *arguments)
        assert done.exit_code == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))

    def trigger(self, params: object = None, *arguments: str) -> str:
        given = [] if params is None else [json.dumps(params)]
        return str(self.json("trigger", NAME, *given, *arguments)["id"])

    def until(self, instance: str, wanted: str) -> None:
        wait_for(lambda: run_status(self.project.platform, NAME, instance), wanted)


def test_workflows_are_listed_and_described(wrangler: Wrangler) -> None:
    listed = wrangler("list", "--per-page", "100")
    described = wrangler("describe", NAME)

    assert NAME in listed
    assert "Flow" in listed
    assert "Latest Version:" in described


def test_a_triggered_run_has_its_params_and_id(wrangler: Wrangler) -> None:
    said = wrangler("trigger", NAME, '{"hello":"world"}', "--id", "given-by-wrangler")

    assert 'Workflow instance "given-by-wrangler" has been queued successfully' in said
    told = wrangler.json("instances", "describe", NAME, "given-by-wrangler")
    assert told["params"] == {"hello": "world"}


def test_the_latest_run_is_described_as_the_guide_shows(wrangler: Wrangler) -> None:
    instance = wrangler.trigger({"sleep": 50, "fails": 20})
    wrangler.until(instance, "complete")

    told = wrangler("instances", "describe", NAME, "latest")

    for line in ("Completed", "🌎 API", "second-1", "nap-1", "💤 Sleeping", "🎯 Step"):
        assert line in told
    assert f"Instance Id:           {instance}" in told
    assert "Error: not yet" in told
    assert r'Output:    "{\"attempt\":2}"' in told


def test_runs_are_listed_by_status_date_and_page(wrangler: Wrangler) -> None:
    ids = [wrangler.trigger(PAUSING) for _ in range(3)]
    wrangler.until(ids[-1], "waiting")
    instances = ("instances", "list", NAME, "--status", "waiting")

    listed = [run["id"] for run in wrangler.json(*instances)]
    second = wrangler.json(*instances, "--per-page", "1", "--page", "2")
    future = wrangler.json("instances", "list", NAME, "--date-start", "2100-01-01")

    assert listed[:3] == ids[::-1]
    assert [run["id"] for run in second] == [ids[1]]
    assert future == []


def test_a_run_is_paused_resumed_and_terminated_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger(PAUSING)
    wrangler.until(instance, "waiting")

    wrangler("instances", "pause", NAME, instance)
    wrangler.until(instance, "paused")
    wrangler("instances", "resume", NAME, "latest")
    wrangler.until(instance, "waiting")
    wrangler("instances", "terminate", NAME, instance)

    told = wrangler("instances", "describe", NAME, instance)
    assert "🚫 Terminated" in told
    assert "🚫 Termination" in told


def test_an_event_is_sent_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger(PAUSING)
    wrangler.until(instance, "waiting")

    sent = ("--type", "call", "--payload", '{"said":"hello"}')
    wrangler("instances", "send-event", NAME, instance, *sent)

    wrangler.until(instance, "complete")
    told = wrangler.json("instances", "describe", NAME, instance)
    assert json.loads(told["output"])["heard"] == {"said": "hello"}


def test_a_run_is_restarted_from_a_step(wrangler: Wrangler) -> None:
    instance = wrangler.trigger()
    wrangler.until(instance, "complete")
    before = wrangler.json("instances", "describe", NAME, instance)

    wrangler("instances", "restart", NAME, instance, "--from-step-name", "second")

    wrangler.until(instance, "complete")
    after = wrangler.json("instances", "describe", NAME, instance)
    assert after["steps"][0] == before["steps"][0]
    assert after["steps"][1]["start"] > before["steps"][1]["start"]


def test_runs_are_deleted_by_command(wrangler: Wrangler) -> None:
    instance = wrangler.trigger()

    done = wrangler.project.wrangler(
        "workflows", "instances", "delete", NAME, instance, "nobody-here"
    )

    assert done.exit_code == 1
    assert f'Deleted workflow instances from "{NAME}": "{instance}"' in done.stdout
    assert "nobody-here: workflows.api.error.instance.not_found" in done.stdout + done.stderr


UNDOING = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const rollback = async ({ output }) => { console.log("undone", output); };
    await step.do("book", async () => "seat", { rollback });
    await step.waitForEvent("ear", { type: "call", timeout: "1 minute" });
  }
}
export default { fetch: () => new Response("") };
"""


def test_a_terminated_run_is_rolled_back_when_asked(deployed: Platform, project: Project) -> None:
    binding = {"name": project.name, "binding": "WORKFLOW", "class_name": "Flow"}
    project.write(UNDOING, workflows=[binding])
    project.deploy()
    triggered = project.wrangler("workflows", "trigger", project.name, "--json")
    instance = json.loads(triggered.stdout)["id"]
    wait_for(lambda: run_status(deployed, project.name, instance), "waiting")

    done = project.wrangler(
        "workflows", "instances", "terminate", project.name, instance, "--rollback"
    )

    assert done.exit_code == 0, done.stdout + done.stderr
    path = f"workflows/{project.name}/instances/{instance}"
    told = deployed.api("GET", path).json()["result"]
    kinds = [(step.get("name"), step["type"]) for step in told["steps"]]
    assert kinds == [
        ("book-1", "step"),
        ("ear-1", "waitForEvent"),
        ("book-1", "rollback"),
        (None, "termination"),
    ]
    assert (told["status"], told["rollback"]["outcome"]) == ("terminated", "complete")


def test_all_unfinished_runs_are_terminated(deployed: Platform, project: Project) -> None:
    deploy_workflow(deployed, "all-ended")
    path = "workflows/all-ended/instances"
    deployed.api("POST", f"{path}/batch", json=[{"params": PAUSING} for _ in range(12)])

    done = project.wrangler("workflows", "instances", "terminate-all", "all-ended")

    assert done.exit_code == 0, done.stdout + done.stderr
    assert "has been started" in done.stdout
    job = f"{path}/terminate"
    wait_for(lambda: deployed.api("GET", job).json()["result"]["status"], "not_running")
    counts = deployed.api("GET", "workflows/all-ended").json()["result"]["instances"]
    assert (counts["terminated"], counts["waiting"], counts["running"]) == (12, 0, 0)
