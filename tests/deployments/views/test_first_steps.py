"""The panel on the dashboard that leads to the first run."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from runs.models import Run
from tests.deployments.factories import make_deployment, make_workflow
from tests.deployments.views.live import live
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.documentation.templates import templates

pytestmark = pytest.mark.usefixtures("no_workers", "db")
TITLE = "Your first run, in three steps"


def test_the_first_step_is_to_build_a_workflow(admin_client: Client) -> None:
    answer = admin_client.get("/")

    assert answer.context["first_steps"].number == 1
    assert "/admin/workflows/workflow/add/" in answer.content.decode()
    assert len(templates()) == 8  # the number in the text


def test_the_second_step_is_to_deploy_it(admin_client: Client) -> None:
    workflow = make_workflow()

    page = admin_client.get("/").content.decode()

    assert f'href="/workflows/{workflow.pk}/deploy/"' in page
    assert "Deploy One step" in page


@pytest.mark.parametrize(
    ("status", "words"), [("running", "Watch deployment #"), ("failed", "did not succeed")]
)
def test_the_second_step_leads_to_the_deployment(
    admin_client: Client, status: str, words: str
) -> None:
    made = make_deployment(status=status)

    answer = admin_client.get("/")

    assert words in text(answer)
    assert f'href="/deployments/{made.pk}/"' in answer.content.decode()


def test_the_third_step_is_to_start_a_run_and_then_the_panel_is_gone(admin_client: Client) -> None:
    workflow, made = live()
    assert made.target
    before = admin_client.get("/")

    Run.objects.create(
        workflow=workflow,
        workflow_name=workflow.name,
        target=made.target,
        instance_id="first",
        created_at=timezone.now(),
    )

    assert f'href="/runs/start/?workflow={workflow.pk}"' in before.content.decode()
    assert TITLE in text(before)
    assert TITLE not in text(admin_client.get("/"))


def test_the_panel_can_be_hidden(admin_client: Client) -> None:
    assert TITLE in text(admin_client.get("/"))

    answer = admin_client.post("/first-steps/hide/")

    assert answer.headers["Location"] == "/"
    assert TITLE not in text(admin_client.get("/"))


def test_people_without_permission_learn_whom_to_ask(log_in: LogIn) -> None:
    client = log_in("deployments.view_deployment", "runs.view_run")
    first = text(client.get("/"))
    live()

    assert "Ask someone with permission to add workflows" in first
    assert "Ask someone with permission to start runs" in text(client.get("/"))
