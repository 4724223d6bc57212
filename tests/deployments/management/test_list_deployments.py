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


def test_deployments_can_be_filtered_by_workflow() -> None:
    deployment, _other = make_deployment(), make_deployment()

    rows = json.loads(run("--json", "--workflow", deployment.workflow_public_id))

    assert [row["id"] for row in rows] == [deployment.pk]


def test_the_text_has_a_line_per_deployment_or_says_that_there_is_none() -> None:
    assert "deploy_workflow" in run()

    make_deployment(status="failed", stage="DEPLOYING", message="because\nof this")

    assert "failed DEPLOYING  because" in run()


def test_an_unknown_workflow_is_reported() -> None:
    with pytest.raises(CommandError, match="There is no workflow"):
        run("--workflow", "nobody")


def test_other_actions_are_printed_with_their_reason() -> None:
    live = make_deployment(status="succeeded", worker_url="http://w.example")
    make_deployment(
        action="takedown", status="succeeded", worker_url="http://w.example", reason="it burns"
    )
    make_deployment(action="rollback", about=live, status="failed", cause="target")

    rollback, takedown, deploy = run().splitlines()

    assert f"  rollback to #{live.pk}  failed  target" in rollback
    assert takedown.endswith("  takedown  succeeded  (reason: it burns)")
    assert deploy.endswith("  succeeded  http://w.example")


def test_a_closed_pipe_is_not_an_error() -> None:
    make_deployment()
    reader, writer = os.pipe()
    os.close(reader)

    with open(writer, "w") as pipe:  # noqa: PTH123 - it is not a path
        call_command("list_deployments", stdout=pipe)
        assert os.fstat(writer).st_rdev == Path(os.devnull).stat().st_rdev
