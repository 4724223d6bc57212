"""The documentation in the browser, and the button that uses an example."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages
from workflows.models import Workflow
from workflows.services import create_workflow

pytestmark = pytest.mark.django_db
SLEEP = "/docs/nodes/sleep/"
EXAMPLE = str(parsed(pages()["nodes/sleep"]).documents[0].at)


@pytest.mark.parametrize("address", pages())
def test_every_page_is_shown(admin_client: Client, address: str) -> None:
    response = admin_client.get(f"/docs/{address}/")

    assert response.status_code == 200
    assert pages()[address].title in text(response)


@pytest.mark.parametrize(
    "address", ["nope", "../README", "nodes", "nodes/step.md", "%2e%2e/README"]
)
def test_other_addresses_are_not_found(admin_client: Client, address: str) -> None:
    assert admin_client.get(f"/docs/{address}/").status_code == 404


def test_a_search_lists_passages(admin_client: Client) -> None:
    response = admin_client.get("/docs/search/", {"q": "retry <b>"})

    assert "/docs/steps/#retries-and-timeouts" in response.content.decode()
    assert "<b>" not in response.content.decode().split('id="content"')[1]


def test_an_example_becomes_a_workflow(admin_client: Client) -> None:
    response = admin_client.post(f"{SLEEP}use/", {"example": EXAMPLE})

    workflow = Workflow.objects.get()
    assert response.headers["Location"] == workflow.get_absolute_url()
    assert "sleep" in {node["type"] for node in workflow.ir["nodes"]}


def test_an_example_is_added_to_the_end_of_a_draft(admin_client: Client, admin_user: User) -> None:
    workflow = create_workflow("Order", by=admin_user)
    before = len(workflow.ir["nodes"])

    admin_client.post(f"{SLEEP}use/", {"example": EXAMPLE, "workflow": workflow.pk})

    workflow.refresh_from_db()
    assert len(workflow.ir["nodes"]) > before
    assert workflow.draft_changes.get().by == admin_user


@pytest.mark.parametrize("example", ["", "999", "x", "0" * 5_000])
def test_an_example_that_does_not_exist_is_not_found(admin_client: Client, example: str) -> None:
    assert admin_client.post(f"{SLEEP}use/", {"example": example}).status_code == 404
    assert not Workflow.objects.exists()


def test_the_workflow_of_the_link_is_chosen(admin_client: Client, admin_user: User) -> None:
    workflow = create_workflow("Order", by=admin_user)

    page = admin_client.get(SLEEP, {"workflow": workflow.pk}).content.decode()

    assert f'<option value="{workflow.pk}" selected>' in page


def test_viewers_see_examples_without_the_button(log_in: LogIn) -> None:
    page = log_in("workflows.view_workflow").get(SLEEP)

    assert page.status_code == 200
    assert "/use/" not in page.content.decode()
