"""Cloudflare's guide to Workflows, section by section, with the files and commands that it shows.

Nothing is different but the answer of api.cloudflare.com: the run sleeps for the whole minute of the
guide. Its last step fails at random, so its number of attempts is not known; all six fail in one of 64
runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.projects.guide import (
    ADDRESSES,
    NAME,
    PAYLOAD,
    STEPS,
    connected_installation,
)
from tests.deployments.projects.installed import ended, import_files, sample_files
from tests.runs.services.test_guide import facts, plain, wrangler
from tests.support.installation import Installation


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with connected_installation(tmp_path_factory.mktemp("guide")) as whole:
        yield whole


@pytest.fixture(scope="module")
def deployed(connected: Installation, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Sections 1 to 5: the files of the starter, imported and deployed."""
    files = sample_files("starter")
    assert sorted(files) == ["src/index.ts", "wrangler.toml"]
    workflow = import_files(connected, files, tmp_path_factory.mktemp(NAME))
    connected.manage("deploy_workflow", workflow)
    return workflow


@pytest.fixture(scope="module")
def triggered(
    connected: Installation, deployed: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Section 6: trigger a run with wrangler, and wait until it ends."""
    folder = tmp_path_factory.mktemp("home")
    output = wrangler(connected, folder, "trigger", NAME, PAYLOAD)
    found = re.search(r'instance "([^"]+)" has been queued successfully', output)
    assert found, output
    return {"id": found[1], **ended(connected, deployed, found[1])}


def test_the_deployment_succeeds_and_its_workflow_is_listed(
    connected: Installation, deployed: str, tmp_path: Path
) -> None:
    theirs = plain(wrangler(connected, tmp_path, "list"))
    ours = connected.json("list_workflows", "--target", "local", "--json")

    (row,) = [line for line in theirs.splitlines() if NAME in line]
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[:3] == [NAME, f"awaitstep-{deployed}", "MyWorkflow"]
    (listed,) = [each for each in ours if each["workflow"] == deployed]
    assert [listed[key] for key in ("name", "script_name", "class_name")] == cells[:3]


@pytest.mark.long
def test_the_run_has_the_steps_of_the_guide(triggered: dict[str, Any]) -> None:
    first, second, sleep, last = triggered["steps"]

    assert [step["name"] for step in triggered["steps"]] == list(STEPS)
    assert json.loads(first["output"])["inputParams"]["payload"] == {"hello": "world"}
    assert "summary_fy24_draft.pdf" in first["output"]
    assert json.loads(second["output"]) == ADDRESSES
    assert sleep["type"] == "sleep"
    assert sleep["finished"]
    failures = [attempt for attempt in last["attempts"] if not attempt["success"]]
    assert all("API call to $STORAGE_SYSTEM failed" in str(each["error"]) for each in failures)
    assert triggered["status"] == ("complete" if len(failures) < 6 else "errored")


def test_wrangler_and_our_commands_describe_the_same_run(
    connected: Installation, deployed: str, triggered: dict[str, Any], tmp_path: Path
) -> None:
    id_ = triggered["id"]
    theirs = facts(wrangler(connected, tmp_path, "instances", "describe", NAME, id_))
    text = connected.manage("describe_run", deployed, id_).stdout

    head, _, steps = text.partition("Steps:")
    ours = [fact for fact in facts(head) if fact[0] not in ("Params", "Output")]
    assert ours + facts(steps) == theirs
    assert ("Workflow Name", NAME) in theirs
    assert ("Type", "Sleeping") in theirs
    assert ("Duration", "1 minute") in theirs


def test_a_run_is_triggered_and_the_latest_is_described_here_and_by_wrangler(
    connected: Installation, deployed: str, triggered: dict[str, Any], tmp_path: Path
) -> None:
    newest = connected.json("trigger_workflow", deployed, PAYLOAD)["id"]

    theirs = wrangler(connected, tmp_path, "instances", "describe", NAME, "latest")
    ours = connected.manage("describe_run", deployed, "latest").stdout

    assert dict(facts(theirs))["Instance Id"] == newest != triggered["id"]
    assert dict(facts(ours))["Instance Id"] == newest
    listed = {run["id"]: run for run in connected.json("list_runs", deployed, "--json")}
    assert listed.keys() >= {newest, triggered["id"]}


def test_a_request_starts_a_run_and_another_one_returns_its_status(
    connected: Installation, deployed: str
) -> None:
    started = connected.worker(deployed).json()
    status = connected.worker(deployed, f"/?instanceId={started['id']}").json()["status"]
    icon = connected.worker(deployed, "/favicon.ico")

    assert started["details"]["status"] in ("queued", "running")
    assert status["status"] in ("queued", "running", "waiting")
    assert (icon.status_code, icon.json()) == (404, {})
    assert started["id"] in [run["id"] for run in connected.json("list_runs", deployed, "--json")]
