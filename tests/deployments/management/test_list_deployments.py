from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.deployments.factories import make_deployment

pytestmark = pytest.mark.django_db
FIELDS = [
    "id",
    "workflow",
    "target",
    "action",
    "about",
    "cause",
    "reason",
    "status",
    "stage",
    "message",
    "worker_name",
    "worker_url",
    "version",
    "user",
]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("list_deployments", *arguments, stdout=out)
    return out.getvalue()


def test_the_newest_comes_first_with_every_field() -> None:
    old, new = make_deployment(status="succeeded"), make_deployment(status="failed", message="no")

    rows = json.loads(run("--json"))

    assert [row["id"] for row in rows] == [new.pk, old.pk]
    assert set(FIELDS) <= set(rows[0])
    assert rows[0]["created_at"].startswith("20")


def test_one_workflows_deployments_can_be_asked_for() -> None:
    wanted, _other = make_deployment(), make_deployment()

    rows = json.loads(run("--json", "--workflow", wanted.workflow_public_id))

    assert [row["id"] for row in rows] == [wanted.pk]


def test_as_text_it_has_a_line_for_each_and_says_when_there_is_none() -> None:
    assert "deploy_workflow" in run()

    make_deployment(status="failed", stage="DEPLOYING", message="because\nof this")

    assert "failed DEPLOYING  because" in run()


def test_an_unknown_workflow_is_told() -> None:
    with pytest.raises(CommandError, match="There is no workflow"):
        run("--workflow", "nobody")


def test_what_is_no_deploy_says_what_it_was_and_why() -> None:
    live = make_deployment(status="succeeded", worker_url="http://w.example")
    make_deployment(
        action="takedown", status="succeeded", worker_url="http://w.example", reason="it burns"
    )
    make_deployment(action="rollback", about=live, status="failed", cause="target")

    rollback, takedown, deploy = run().splitlines()

    assert f"  rollback to #{live.pk}  failed  target" in rollback
    assert takedown.endswith("  takedown  succeeded  (reason: it burns)")
    assert deploy.endswith("  succeeded  http://w.example")


def test_a_reader_that_has_read_enough_is_no_error() -> None:
    make_deployment()
    reader, writer = os.pipe()
    os.close(reader)

    with open(writer, "w") as pipe:  # noqa: PTH123 - it is no path
        call_command("list_deployments", stdout=pipe)
        assert os.fstat(writer).st_rdev == Path(os.devnull).stat().st_rdev
