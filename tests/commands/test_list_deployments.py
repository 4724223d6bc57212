from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from tests.deployments.factories import make_deployment

pytestmark = pytest.mark.django_db
FIELDS = [
    "id",
    "workflow",
    "target",
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
