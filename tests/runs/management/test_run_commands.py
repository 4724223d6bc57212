"""Listing, starting, describing, changing and answering runs, by commands."""

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
from tests.support.platform_fixture import start_platform


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation without a server: commands ask the target themselves."""
    quiet = Installation(Path(tmp_path_factory.mktemp("run-commands")) / "data")
    quiet.manage("migrate", "--verbosity", "0")
    platform = start_platform(quiet.data_dir, port=quiet.local_cloudflare_port)
    yield quiet
    platform.running.stop()
    quiet.stop()


@pytest.fixture(scope="module")
def workflow(here: Installation) -> str:
    """A workflow whose run waits for an approval."""
    workflow = here.import_document(waiting_document())
    here.manage("deploy_workflow", workflow)
    return workflow


def started(here: Installation, workflow: str, *more: str) -> str:
    """Start a run, and return its id when it waits."""
    id_ = str(here.json("trigger_workflow", workflow, *more)["id"])
    until = time.monotonic() + 30
    while here.json("describe_run", workflow, id_, "--json")["status"] == "queued":
        assert time.monotonic() < until
    return id_


def row(here: Installation, workflow: str, id_: str) -> dict[str, Any]:
    rows = here.json("list_runs", workflow, "--json")
    return next(one for one in rows if one["id"] == id_)


def entries(here: Installation, action: str) -> str:
    """What the audit trail holds of an action: reasons and who it was."""
    code = (
        "from audit.models import Entry\n"
        f"print([(e.reason, e.actor_name) for e in Entry.objects.filter(action={action!r})])"
    )
    return here.manage("shell", "-v", "0", "-c", code).stdout


def test_a_payload_can_be_an_argument_and_an_id_starts_one_run(
    here: Installation, workflow: str
) -> None:
    first = here.manage("trigger_workflow", workflow, '{"n": 1}', "--id", "only-one")
    second = here.manage("trigger_workflow", workflow, "--payload", "{}", "--id", "only-one")

    assert json.loads(first.stdout)["id"] == json.loads(second.stdout)["id"] == "only-one"
    assert (first.stderr, "exists already" in second.stderr) == ("", True)
    assert here.json("describe_run", workflow, "only-one", "--json")["params"] == {"n": 1}


def test_a_batch_starts_a_run_for_each_line(here: Installation, tmp_path: Path) -> None:
    workflow = here.import_document(document())
    here.manage("deploy_workflow", workflow)
    file = tmp_path / "orders.jsonl"
    file.write_text('{"id": "one", "params": {"n": 1}}\n\n{"n": 2}\n')

    told = here.json("trigger_workflow", workflow, "--batch", str(file), "--reason", "again")
    again = here.manage("trigger_workflow", workflow, "--batch", str(file))
    twice = json.loads(again.stdout)
    named = here.manage(
        "trigger_workflow", workflow, "--batch", str(file), "--id", "x", check=False
    )

    runs = here.json("list_runs", workflow, "--json")
    assert told == {"started": 2, "refused": []}
    assert twice == {"started": 1, "refused": ["one"]}
    assert "1 started, 1 already existed" in again.stderr
    assert (named.returncode, "--id is for one run" in named.stderr) == (1, True)
    assert "('again', " in entries(here, "batch of runs started")
    assert (len(runs), "one" in [run["id"] for run in runs]) == (3, True)


def test_the_list_is_current_and_can_be_filtered(here: Installation, workflow: str) -> None:
    id_ = started(here, workflow, '{"word": "pomegranate"}')

    text = here.manage("list_runs", workflow).stdout
    newest = here.json("list_runs", workflow, "--limit", "1", "--json")
    none = here.manage("list_runs", workflow, "--status", "errored").stdout

    assert id_ in text
    assert "│ Run " in text
    assert [run["id"] for run in newest] == [id_]
    assert newest[0]["status"] in ("running", "waiting")
    assert "No matching runs" in none


def test_a_run_is_changed_and_the_reason_recorded(here: Installation, workflow: str) -> None:
    id_ = started(here, workflow)

    told = here.manage("control_run", workflow, id_, "terminate", "--reason", "wrong order")

    assert told.stdout.strip() == f"terminate: {id_} is terminated"
    assert row(here, workflow, id_)["status"] == "terminated"
    assert "('wrong order', " in entries(here, "run: terminate")
    assert "command line" in entries(here, "run: terminate")


def test_a_restart_and_a_deletion_print_their_result(here: Installation, workflow: str) -> None:
    id_ = started(here, workflow)
    here.manage("control_run", workflow, id_, "terminate")

    again = here.json("control_run", workflow, id_, "restart", "--json")
    gone = here.manage("control_run", workflow, id_, "delete")

    assert (again["id"], again["status"] in ("queued", "running", "waiting")) == (id_, True)
    assert gone.stdout.strip() == f"delete: {id_} is deleted"
    assert row(here, workflow, id_)["gone_at"]


def test_an_event_is_sent_to_the_latest_run_and_recorded(
    here: Installation, workflow: str
) -> None:
    id_ = started(here, workflow)

    wrong = here.manage("send_event", workflow, "latest", "aprove")
    told = here.manage("send_event", workflow, "latest", "approve", "--reason", "seen it")

    assert "No step has waited for aprove yet" in wrong.stderr
    assert "The run is now waiting for approve." in wrong.stderr
    assert told.stdout.strip() == f"sent approve to {id_}"
    assert ended_run(here, workflow, id_)["status"] == "complete"
    assert "seen it" in entries(here, "event sent")


def test_the_workflows_of_every_target_are_listed(here: Installation, workflow: str) -> None:
    started(here, workflow)

    text = here.manage("list_workflows").stdout
    rows = here.json("list_workflows", "--target", "local", "--json")

    mine = next(one for one in rows if one["workflow"] == workflow)
    assert (mine["name"], mine["script_name"]) == (f"awaitstep-{workflow}",) * 2
    assert sum(mine["instances"].values()) >= 1
    for word in ("Name", "Script name", "Class name", "Created", "Modified", mine["class_name"]):
        assert word in text


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["control_run", "ID", "no-such-run", "pause"], "has no run no-such-run"),
        (
            ["control_run", "ID", "latest", "pause", "--from", "x"],
            "Only a restart can start at a step",
        ),
        (["send_event", "ID", "no-such-run", "approve"], "has no run no-such-run"),
        (["list_runs", "nobody"], "There is no workflow"),
        (["list_runs", "--status", "sleepy"], "No run has the status 'sleepy'"),
        (["list_runs", "--target", "nowhere"], "There is no target 'nowhere'"),
        (["list_workflows", "--target", "nowhere"], "There is no target 'nowhere'"),
        (["trigger_workflow", "ID", "--batch", "/no/such/file"], "cannot be read"),
        (["trigger_workflow", "ID", "{}", "--id", "not an id"], "The id of a run has"),
    ],
)
def test_an_error_is_one_sentence_without_a_traceback(
    here: Installation, workflow: str, command: list[str], sentence: str
) -> None:
    started(here, workflow)
    named = [workflow if word == "ID" else word for word in command]

    done = here.manage(*named, check=False)

    assert (done.returncode, "Traceback" in done.stderr) == (1, False)
    assert sentence in done.stderr
