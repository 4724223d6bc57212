"""The page that compares versions, the draft and what is live."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import markup, text
from tests.support.sessions import LogIn
from tests.workflows.ir.documents import chain, node
from workflows.models import Workflow
from workflows.services import save_draft, set_variable

pytestmark = pytest.mark.django_db
FIRST = chain(node("load", name="Load"), node("end", name="End"))
SECOND = chain(node("load", name="Load", code="return 2;"), node("extra", name="Extra"))


@pytest.fixture
def workflow() -> Workflow:
    """A workflow with two versions, and a draft with another entry code."""
    workflow = Workflow(ir=FIRST)
    save_draft(workflow)
    workflow.ir = SECOND
    save_draft(workflow)
    Workflow.objects.filter(pk=workflow.pk).update(entry_code="export default {};")
    return workflow


def address(workflow: Workflow, view: str = "", **sides: str) -> str:
    query = "&".join(f"{name}={key}" for name, key in sides.items())
    return f"/workflows/{workflow.pk}/versions/compare/{view}?{query}"


def compared(client: Client, workflow: Workflow, before: str, after: str, view: str = "") -> str:
    return text(client.get(address(workflow, view, **{"from": before, "to": after})))


def make_live(workflow: Workflow, **fields: Any) -> Deployment:
    values: dict[str, Any] = {"status": "succeeded", "finished_at": timezone.now(), "ir": FIRST}
    return make_deployment(workflow=workflow, **values | fields)


def test_two_versions_are_compared_node_by_node(admin_client: Client, workflow: Workflow) -> None:
    page = compared(admin_client, workflow, "v1", "v2")

    assert "1 node added, 1 removed, 1 changed" in page
    assert "Load Step Changed Code return { from: 'load' }; → return 2;" in page
    assert "Extra Step Added" in page


def test_by_default_the_draft_is_compared_with_the_newest_version(
    admin_client: Client, workflow: Workflow
) -> None:
    page = text(admin_client.get(f"/workflows/{workflow.pk}/versions/compare/"))

    assert "From v2 to the draft" in page
    assert "Entry code changed" in page


def test_the_draft_is_compared_with_what_is_live(admin_client: Client, workflow: Workflow) -> None:
    live = make_live(workflow, target=make_target(name="prod"), source="let first;\nlet same;")
    key = f"live-{live.target_id}"

    page = compared(admin_client, workflow, key, "draft")
    code = compared(admin_client, workflow, key, "v2", "typescript/")

    assert "From v1, live on prod to the draft" in page
    assert "entry code changed" in page
    assert "- let first;" in code
    assert "extends WorkflowEntrypoint" in code


def test_both_pictures_are_marked(admin_client: Client, workflow: Workflow) -> None:
    answer = admin_client.get(address(workflow, "picture/", **{"from": "v1", "to": "v2"}))

    page = markup(answer)
    assert page.count('class="pic"') == 2
    assert 'aria-label="Picture of v1. ' in page
    assert 'aria-label="Picture of v2. ' in page
    assert "pic-removed" in page
    assert "pic-added" in page
    assert "#change-" in page


def test_the_generated_code_is_a_diff_with_folded_unchanged_lines(
    admin_client: Client, workflow: Workflow
) -> None:
    page = compared(admin_client, workflow, "v1", "v2", "typescript/")

    assert "unchanged lines" in page
    assert "+ return 2;" in page


def test_code_that_cannot_be_generated_names_the_side(
    admin_client: Client, workflow: Workflow
) -> None:
    workflow.versions.filter(number=1).update(ir={"metadata": {}})

    page = compared(admin_client, workflow, "v1", "v2", "typescript/")

    assert "The TypeScript of v1 cannot be generated" in page


def test_a_side_does_not_differ_from_itself(admin_client: Client, workflow: Workflow) -> None:
    assert "No differences." in compared(admin_client, workflow, "v2", "v2")
    assert "is the same" in compared(admin_client, workflow, "v2", "v2", "typescript/")


@pytest.mark.parametrize("key", ["v9", "live-99", "live-999999999", "v", "x", "v1x", "draft2"])
def test_a_side_that_does_not_exist_is_not_found(
    admin_client: Client, workflow: Workflow, key: str
) -> None:
    assert admin_client.get(address(workflow, to=key)).status_code == 404


def test_only_sides_that_the_user_may_see_can_be_chosen_and_compared(
    log_in: LogIn, workflow: Workflow
) -> None:
    live = make_live(workflow)
    client = log_in("workflows.view_workflowversion")

    shown = client.get(address(workflow, **{"from": "v1", "to": "v2"}))
    refused = [client.get(address(workflow, to=key)) for key in ("draft", f"live-{live.target_id}")]

    assert shown.status_code == 200
    assert "Draft" not in text(shown)
    assert "Live on" not in text(shown)
    assert [answer.status_code for answer in refused] == [403, 403]


def test_values_of_variables_are_never_shown(admin_client: Client, workflow: Workflow) -> None:
    set_variable("PLAIN", "plain-value", workflow=workflow)
    set_variable("TOKEN", "secret-value", workflow=workflow, is_secret=True)

    pages = [
        compared(admin_client, workflow, "v1", "draft", view)
        for view in ("", "picture/", "typescript/")
    ]

    assert not any("plain-value" in page or "secret-value" in page for page in pages)


def test_text_of_users_is_escaped(admin_client: Client) -> None:
    evil = "<script>alert(1)</script>"
    workflow = make_workflow()
    document = chain(node("only", name=evil, code=f"return '{evil}';\n// {evil}"))
    Workflow.objects.filter(pk=workflow.pk).update(ir=document)
    workflow.versions.update(note=evil)

    for view in ("", "picture/", "typescript/"):
        answer = admin_client.get(address(workflow, view, **{"from": "v1", "to": "draft"}))
        assert evil not in answer.content.decode()


def test_a_large_comparison_lists_the_first_nodes_and_says_how_many_there_are(
    admin_client: Client,
) -> None:
    workflow = Workflow(ir=chain(*(node(f"n{number}") for number in range(600))))
    save_draft(workflow)
    workflow.ir = chain(*(node(f"n{number}", code=f"return {number};") for number in range(600)))
    save_draft(workflow)

    page = compared(admin_client, workflow, "v1", "v2")

    assert "600 nodes changed" in page
    assert "Only the first 500 of 600 changed nodes are listed" in page
