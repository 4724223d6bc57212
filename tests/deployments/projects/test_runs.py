"""Runs of a project with several Workflows, with the commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deployments.projects.examples import config
from tests.deployments.projects.installed import deploy, ended, import_files
from tests.support.installation import Installation
from workflows.documents.projects.files import ProjectFiles

SECOND = '[[workflows]]\nname = "waiting-two"\nbinding = "TWO"\nclass_name = "Two"\n'
MAIN = """\
import { WorkflowEntrypoint, type WorkflowEvent, type WorkflowStep } from "cloudflare:workers";

export class Flow extends WorkflowEntrypoint<Env> {
  async run(event: WorkflowEvent<{ n: number }>, step: WorkflowStep) {
    return await step.do("double", async () => event.payload.n * 2);
  }
}

export class Two extends WorkflowEntrypoint<Env> {
  async run(_event: WorkflowEvent<unknown>, step: WorkflowStep) {
    const { payload } = await step.waitForEvent<string>("wait", { type: "go", timeout: "1 hour" });
    return payload;
  }
}

export default { fetch: () => new Response("two") };
"""


@pytest.fixture(scope="module")
def workflow(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    files: ProjectFiles = {"wrangler.toml": config("waiting-one", SECOND), "src/index.ts": MAIN}
    folder: Path = tmp_path_factory.mktemp("two")
    workflow = import_files(installation, files, folder)
    deploy(installation, workflow)
    return workflow


def test_the_first_workflow_is_meant_if_none_is_named(
    installation: Installation, workflow: str
) -> None:
    run = installation.json("trigger_workflow", workflow, '{"n": 21}')["id"]

    assert ended(installation, workflow, run)["output"] in (42, "42")
    described = installation.manage("describe_run", workflow, run).stdout
    assert "Workflow Name: waiting-one" in described


def test_runs_of_another_workflow_are_started_and_controlled_by_its_name(
    installation: Installation, workflow: str
) -> None:
    named = ("--workflow-name", "waiting-two")
    run = installation.json("trigger_workflow", workflow, "{}", *named)["id"]
    installation.manage("control_run", workflow, run, "pause", *named)
    installation.manage("control_run", workflow, run, "resume", *named)
    installation.manage("send_event", workflow, run, "go", "--payload", '"went"', *named)

    done = ended(installation, workflow, run, name="waiting-two")

    assert "went" in str(done["output"])
    listed = {each["id"]: each for each in installation.json("list_runs", workflow, "--json")}
    assert listed[run]["workflow"] == workflow


def test_both_workflows_are_listed(installation: Installation, workflow: str) -> None:
    rows = installation.json("list_workflows", "--target", "local", "--json")

    ours = {row["name"]: row["class_name"] for row in rows if row["workflow"] == workflow}
    assert ours == {"waiting-one": "Flow", "waiting-two": "Two"}


def test_a_workflow_that_the_project_does_not_have_is_refused(
    installation: Installation, workflow: str
) -> None:
    done = installation.manage(
        "trigger_workflow", workflow, "--workflow-name", "no-such", check=False
    )

    assert done.returncode == 1
    assert 'has no Workflow "no-such"' in done.stderr
    assert "waiting-one" in done.stderr
    assert "waiting-two" in done.stderr
