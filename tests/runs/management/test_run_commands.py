"""The commands that list, start, describe, change and answer runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deployments.fakes import document
from tests.deployments.services.test_main_job import ended_run
from tests.deployments.services.test_runs import waiting_document
from tests.support.installation import Installation
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import start_platform


@pytest.fixture(scope="module")
def quiet_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation without a server, where commands call the target themselves."""
    quiet = Installation(Path(tmp_path_factory.mktemp("run-commands")) / "data")
    quiet.migrate()
    sweeping = {"LOCAL_CLOUDFLARE_RETENTION_SECONDS": "0.2"}
    platform = start_platform(
        quiet.data_dir, port=quiet.local_cloudflare_port, environment=sweeping
    )
    yield quiet
    platform.running.stop()
    quiet.stop()


@pytest.fixture(scope="module")
def workflow(quiet_installation: Installation) -> str:
    """A workflow whose run waits for an approval."""
    workflow = quiet_installation.import_document(waiting_document())
    quiet_installation.manage("deploy_workflow", workflow)
    return workflow


def start_run(quiet_installation: Installation, workflow: str, *more: str) -> str:
    """Start a run and return its id when it is no longer queued."""
    id_ = str(quiet_installation.json("trigger_workflow", workflow, *more)["id"])
    until = time.monotonic() + PATIENCE
    while quiet_installation.json("describe_run", workflow, id_, "--json")["status"] == "queued":
        assert time.monotonic() < until
    return id_


def row(quiet_installation: Installation, workflow: str, id_: str) -> dict[str, Any]:
    rows = quiet_installation.json("list_runs", workflow, "--json")
    return next(row for row in rows if row["id"] == id_)


def entries(quiet_installation: Installation, action: str) -> str:
    """Return the reasons and actors of an action in the audit trail."""
    code = (
        "from audit.models import Entry\n"
        f"print([(e.reason, e.actor_name) for e in Entry.objects.filter(action={action!r})])"
    )
    return quiet_installation.manage("shell", "-v", "0", "-c", code).stdout


def test_a_payload_can_be_an_argument_and_an_id_starts_one_run(
    quiet_installation: Installation, workflow: str
) -> None:
    first = quiet_installation.manage("trigger_workflow", workflow, '{"n": 1}', "--id", "only-one")
    second = quiet_installation.manage(
        "trigger_workflow", workflow, "--payload", "{}", "--id", "only-one"
    )

    assert json.loads(first.stdout)["id"] == json.loads(second.stdout)["id"] == "only-one"
    assert (first.stderr, "already exists" in second.stderr) == ("", True)
    assert quiet_installation.json("describe_run", workflow, "only-one", "--json")["params"] == {
        "n": 1
    }


@pytest.mark.long
def test_a_batch_starts_a_run_for_each_line(
    quiet_installation: Installation, tmp_path: Path
) -> None:
    workflow = quiet_installation.import_document(document())
    quiet_installation.manage("deploy_workflow", workflow)
    file = tmp_path / "orders.jsonl"
    # U+2028 ends a line of text, but not of JSON
    file.write_text('{"id": "one", "params": {"n": 1}}\n\n{"n": "a\u2028b"}\r\n', newline="")

    result = quiet_installation.json(
        "trigger_workflow", workflow, "--batch", str(file), "--reason", "again"
    )
    again = quiet_installation.manage("trigger_workflow", workflow, "--batch", str(file))
    twice = json.loads(again.stdout)
    named = quiet_installation.manage(
        "trigger_workflow", workflow, "--batch", str(file), "--id", "x", check=False
    )

    runs = quiet_installation.json("list_runs", workflow, "--json")
    assert result == {"started": 2, "refused": []}
    assert twice == {"started": 1, "refused": ["one"]}
    assert "1 started, 1 already existed" in again.stderr
    assert (named.returncode, "--id is for one run" in named.stderr) == (1, True)
    assert "('again', " in entries(quiet_installation, "batch of runs started")
    assert (len(runs), "one" in [run["id"] for run in runs]) == (3, True)


@pytest.mark.long
def test_runs_are_kept_as_long_as_the_command_says(
    quiet_installation: Installation, tmp_path: Path
) -> None:
    workflow = quiet_installation.import_document(document())
    quiet_installation.manage("deploy_workflow", workflow)
    file = tmp_path / "lines.jsonl"
    file.write_text('{"id": "batched", "params": 1}')
    soon = ("--success-retention", "1", "--location", "weur")

    kept = quiet_installation.json("trigger_workflow", workflow, "--error-retention", "1")["id"]
    gone = quiet_installation.json("trigger_workflow", workflow, *soon)["id"]
    quiet_installation.manage("trigger_workflow", workflow, "--batch", str(file), *soon)
    refused = quiet_installation.manage(
        "trigger_workflow", workflow, "--success-retention", "31 days", check=False
    )

    until = time.monotonic() + PATIENCE
    while run_count(quiet_installation, workflow) > 1:
        assert time.monotonic() < until
    for instance, is_gone in ((kept, False), (gone, True), ("batched", True)):
        described = quiet_installation.manage("describe_run", workflow, instance, check=False)
        assert (described.returncode == 1) is is_gone
    assert (refused.returncode, "up to 30 days" in refused.stderr) == (1, True)


def run_count(quiet_installation: Installation, workflow: str) -> int:
    """Return how many runs the target has."""
    rows = quiet_installation.json("list_workflows", "--json")
    (counts,) = [row["instances"] for row in rows if row["name"] == f"awaitstep-{workflow}"]
    return sum(counts.values())


def test_the_list_is_current_and_can_be_filtered(
    quiet_installation: Installation, workflow: str
) -> None:
    id_ = start_run(quiet_installation, workflow, '{"word": "pomegranate"}')

    text = quiet_installation.manage("list_runs", workflow).stdout
    newest = quiet_installation.json("list_runs", workflow, "--limit", "1", "--json")
    none = quiet_installation.manage("list_runs", workflow, "--status", "errored").stdout

    assert id_ in text
    assert "│ Run " in text
    assert [run["id"] for run in newest] == [id_]
    assert newest[0]["status"] in ("running", "waiting")
    assert "No matching runs" in none


def test_a_run_is_changed_and_the_reason_recorded(
    quiet_installation: Installation, workflow: str
) -> None:
    id_ = start_run(quiet_installation, workflow)

    result = quiet_installation.manage(
        "control_run", workflow, id_, "terminate", "--reason", "wrong order"
    )

    assert result.stdout.strip() == f"terminate: {id_} is terminated"
    assert row(quiet_installation, workflow, id_)["status"] == "terminated"
    assert "('wrong order', " in entries(quiet_installation, "run: terminate")
    assert "command line" in entries(quiet_installation, "run: terminate")


def test_a_restart_and_a_deletion_print_their_result(
    quiet_installation: Installation, workflow: str
) -> None:
    id_ = start_run(quiet_installation, workflow)
    quiet_installation.manage("control_run", workflow, id_, "terminate")

    again = quiet_installation.json("control_run", workflow, id_, "restart", "--json")
    deleted = quiet_installation.manage("control_run", workflow, id_, "delete")

    assert (again["id"], again["status"] in ("queued", "running", "waiting")) == (id_, True)
    assert deleted.stdout.strip() == f"delete: {id_} is deleted"
    assert row(quiet_installation, workflow, id_)["gone_at"]


def test_an_event_is_sent_to_the_latest_run_and_recorded(
    quiet_installation: Installation, workflow: str
) -> None:
    id_ = start_run(quiet_installation, workflow)

    wrong = quiet_installation.manage("send_event", workflow, "latest", "aprove")
    result = quiet_installation.manage(
        "send_event", workflow, "latest", "approve", "--reason", "seen it"
    )

    assert "No step has waited for aprove yet" in wrong.stderr
    assert "The run is now waiting for approve." in wrong.stderr
    assert result.stdout.strip() == f"sent approve to {id_}"
    assert ended_run(quiet_installation, workflow, id_)["status"] == "complete"
    assert "seen it" in entries(quiet_installation, "event sent")


def test_the_workflows_of_every_target_are_listed(
    quiet_installation: Installation, workflow: str
) -> None:
    start_run(quiet_installation, workflow)

    text = quiet_installation.manage("list_workflows").stdout
    rows = quiet_installation.json("list_workflows", "--target", "local", "--json")

    listed = next(row for row in rows if row["workflow"] == workflow)
    assert (listed["name"], listed["script_name"]) == (f"awaitstep-{workflow}",) * 2
    assert sum(listed["instances"].values()) >= 1
    for word in ("Name", "Script name", "Class name", "Created", "Modified", listed["class_name"]):
        assert word in text


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["control_run", "ID", "no-such-run", "pause"], "has no run no-such-run"),
        (
            ["control_run", "ID", "latest", "pause", "--from", "x"],
            "Only a restart can start from a step",
        ),
        (["send_event", "ID", "no-such-run", "approve"], "has no run no-such-run"),
        (["list_runs", "nobody"], "There is no workflow"),
        (["list_runs", "--status", "sleepy"], "No run has the status 'sleepy'"),
        (["list_runs", "--target", "nowhere"], "There is no target 'nowhere'"),
        (["list_workflows", "--target", "nowhere"], "There is no target 'nowhere'"),
        (["trigger_workflow", "ID", "--batch", "/no/such/file"], "cannot be read"),
        (["trigger_workflow", "ID", "{}", "--id", "not an id"], "The id of a run must have"),
        (["trigger_workflow", "ID", "9007199254740993"], "is 9007199254740993, a whole number"),
        (
            ["send_event", "ID", "latest", "approve", "--payload", "[9007199254740993]"],
            "is 9007199254740993, a whole number",
        ),
    ],
)
def test_an_error_is_one_sentence_without_a_traceback(
    quiet_installation: Installation, workflow: str, command: list[str], sentence: str
) -> None:
    start_run(quiet_installation, workflow)
    named = [workflow if word == "ID" else word for word in command]

    done = quiet_installation.manage(*named, check=False)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert sentence in done.stderr
