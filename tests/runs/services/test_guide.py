"""Sections 5 and 6 of Cloudflare's guide, with our commands and with wrangler's."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.deployments.services.test_main_job import STEPS, ended_run, guide, set_api
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from toolchain import embedded_platform, process
from toolchain.embedded_platform import ACCOUNT_ID
from toolchain.node_tools import NODE, WRANGLER

PAYLOAD = '{"hello":"world"}'
_FACT = re.compile(r"(\s*)([A-Z][A-Za-z ]+):\s+(.*)")


@pytest.fixture(scope="module")
def deployed(installation: Installation) -> str:
    """Section 5: deploy the Workflow."""
    workflow = installation.import_document(guide())
    set_api(installation, workflow)
    installation.manage("deploy_workflow", workflow)
    return workflow


@pytest.fixture(scope="module")
def started(installation: Installation, deployed: str) -> str:
    """Section 6: trigger it as in the guide, and wait until it ends."""
    id_ = str(installation.json("trigger_workflow", deployed, PAYLOAD)["id"])
    ended_run(installation, deployed, id_)
    return id_


def wrangler(installation: Installation, home: Path, *arguments: str) -> str:
    """Run a wrangler command of the guide against the embedded platform."""
    port = installation.local_cloudflare_port
    env = process.environment(
        home=home,
        CI="1",
        TZ="UTC",
        CLOUDFLARE_API_BASE_URL=f"http://127.0.0.1:{port}/client/v4",
        CLOUDFLARE_API_TOKEN=embedded_platform.platform_token(installation.data_dir),
        CLOUDFLARE_ACCOUNT_ID=ACCOUNT_ID,
        WRANGLER_SEND_METRICS="false",
    )
    done = process.run(
        [NODE, WRANGLER, "workflows", *arguments], cwd=home, env=env, timeout=PATIENCE
    )
    assert done.exit_code == 0, done.stdout + done.stderr
    return str(done.stdout)


def plain(text: str) -> str:
    """Remove colors and emoji, and write times in one format."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    text = re.sub(r"[\U0001F000-\U0001FFFF\u2300-\u23FF\u25B6\u2600-\u27BF\uFE0F]\s*", "", text)
    text = re.sub(r"\d+/\d+/\d{4}, \d+:\d\d:\d\d\s[AP]M", _american, text)
    return text.replace(" UTC", "")


def _american(found: re.Match[str]) -> str:
    text = " ".join(found[0].split())
    moment = datetime.strptime(text, "%m/%d/%Y, %I:%M:%S %p").replace(tzinfo=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def facts(text: str) -> list[tuple[str, str]]:
    """Return the names and values of a description, in order, and the cells of its tables."""
    found = []
    for line in plain(text).splitlines():
        if match := _FACT.fullmatch(line):
            found.append((match[2], _value(match[2], match[3].strip())))
        elif "│" in line:
            found.append(("row", " | ".join(cell.strip() for cell in line.split("│")[1:-1])))
    return found


def _value(name: str, value: str) -> str:
    """Decode an output, which wrangler encodes as JSON twice."""
    return str(json.loads(value)) if name == "Output" and value.startswith('"') else value


def _all_workflows(installation: Installation, folder: Path) -> str:
    """Return all pages of wrangler's list: other tests deploy to the same platform."""
    pages: list[str] = []
    while not pages or "Showing 100 workflows" in pages[-1]:
        page = str(len(pages) + 1)
        listed = wrangler(installation, folder, "list", "--per-page", "100", "--page", page)
        pages.append(plain(listed))
    return "\n".join(pages)


@pytest.mark.long
def test_the_workflow_is_listed_with_its_script_and_class(
    installation: Installation, deployed: str, tmp_path: Path
) -> None:
    ours = installation.json("list_workflows", "--target", "local", "--json")
    theirs = _all_workflows(installation, tmp_path)

    (listed,) = [row for row in ours if row["workflow"] == deployed]
    row = next(line for line in theirs.splitlines() if listed["name"] in line)
    cells = [cell.strip() for cell in row.split("│")[1:-1]]
    assert cells[:3] == [listed["name"], listed["script_name"], listed["class_name"]]
    assert cells[3] == listed["created_on"][:19].replace("T", " ")
    assert cells[4] == listed["modified_on"][:19].replace("T", " ")


@pytest.mark.long
def test_a_run_triggered_by_wrangler_is_listed_with_the_steps_of_the_guide(
    installation: Installation, deployed: str, tmp_path: Path
) -> None:
    output = wrangler(installation, tmp_path, "trigger", f"awaitstep-{deployed}", PAYLOAD)

    found = re.search(r'instance "([^"]+)" has been queued successfully', output)
    assert found, output
    listed = installation.json("list_runs", deployed, "--json")
    assert found[1] in [run["id"] for run in listed]
    run = ended_run(installation, deployed, found[1])
    assert [step["name"] for step in run["steps"]] == STEPS
    assert run["params"] == {"hello": "world"}


@pytest.mark.long
def test_describe_run_prints_fact_for_fact_what_wrangler_prints(
    installation: Installation, deployed: str, started: str, tmp_path: Path
) -> None:
    name = f"awaitstep-{deployed}"
    theirs = facts(wrangler(installation, tmp_path, "instances", "describe", name, started))

    head, _, steps = installation.manage("describe_run", deployed, started).stdout.partition(
        "Steps:"
    )

    ours = [fact for fact in facts(head) if fact[0] not in ("Params", "Output")]
    assert ours + facts(steps) == theirs
    assert ("Last Successful Step", STEPS[3]) in theirs


@pytest.mark.long
def test_latest_is_the_newest_run_here_and_in_wrangler(
    installation: Installation, deployed: str, started: str, tmp_path: Path
) -> None:
    newest = installation.json("trigger_workflow", deployed, PAYLOAD)["id"]
    ended_run(installation, deployed, newest)

    theirs = wrangler(
        installation, tmp_path, "instances", "describe", f"awaitstep-{deployed}", "latest"
    )
    ours = installation.manage("describe_run", deployed, "latest").stdout

    assert (
        dict(facts(ours))["Instance Id"] == dict(facts(theirs))["Instance Id"] == newest != started
    )


@pytest.mark.long
def test_attempts_show_the_error_of_the_guide(
    installation: Installation, deployed: str, started: str
) -> None:
    text = installation.manage("describe_run", deployed, started).stdout
    rows = [row.strip() for name, row in facts(text) if name == "row"]

    assert "Start | End | Duration | State | Error" in rows
    failed, worked = rows[-2:]
    assert failed.endswith("Error | Error: API call to $STORAGE_SYSTEM failed")
    assert worked.endswith("Success |")


@pytest.mark.long
def test_a_request_to_the_worker_answers_with_the_run(
    installation: Installation, deployed: str
) -> None:
    answer: httpx.Response = installation.worker(deployed)

    run: dict[str, Any] = answer.json()
    assert {"id", "details"} <= run.keys()
    assert run["details"]["status"] in ("queued", "running")
