"""The document as text: saving it, its problems by line, and a simultaneous change by someone else."""

from __future__ import annotations

import json
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.ir.documents import chain, document, node
from workflows import drafts
from workflows.models import Workflow
from workflows.services import save_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    workflow = Workflow(ir=chain(node("a"), node("b")))
    save_draft(workflow)
    return workflow


def address(workflow: Workflow) -> str:
    return f"/workflows/{workflow.pk}/code/document/"


def save(client: Client, workflow: Workflow, posted: Any, *, revision: int = 0) -> Any:
    written = posted if isinstance(posted, str) else json.dumps(posted, indent=2)
    fields = {"revision": str(revision), "text": written}
    answer = client.post(address(workflow), fields, follow=True)
    workflow.refresh_from_db()
    return answer


def test_the_edited_text_replaces_the_document_and_undo_reverts_it(
    admin_client: Client, workflow: Workflow
) -> None:
    before = workflow.ir
    shown = admin_client.get(address(workflow))
    assert '"id": "a"' in text(shown)

    answer = save(admin_client, workflow, chain(node("a"), node("b"), node("c")))

    assert "The document was saved." in text(answer)
    assert [item["id"] for item in workflow.ir["nodes"]] == ["a", "b", "c"]
    assert workflow.draft_changes.get().summary == "Edited the document as text"
    admin_client.post(f"/workflows/{workflow.pk}/draft/undo/")
    workflow.refresh_from_db()
    assert workflow.ir == before


@pytest.mark.parametrize(
    ("posted", "expected"),
    [
        ('{\n  "nodes": [\n  oops', "line 3, column 3"),
        ('{"a": 1, "a": 2}', 'the key "a" twice'),
        ("", "is not valid JSON"),
        ("[1]", "must be an object"),
        (document([node("a"), node("lost")]), "Line 23 nodes.lost : no path leads"),
        (chain(node("a"), {"id": "b"}), "Line 23 nodes.b.type"),
    ],
)
def test_text_that_cannot_be_saved_stays_on_the_page_and_its_problems_have_lines(
    admin_client: Client, workflow: Workflow, posted: Any, expected: str
) -> None:
    before = workflow.ir
    written = posted if isinstance(posted, str) else json.dumps(posted, indent=2)

    answer = save(admin_client, workflow, written)

    assert expected in text(answer)
    assert f">\n{written}</textarea>" in unescape(answer.content.decode())
    assert 'name="revision" value="0"' in answer.content.decode()
    assert workflow.ir == before
    assert workflow.draft_revision == 0


def test_problems_that_do_not_prevent_editing_are_saved_and_listed_with_their_lines(
    admin_client: Client, workflow: Workflow
) -> None:
    answer = save(admin_client, workflow, chain(node("a"), node("b", code="return missing;")))

    assert "The document was saved." in text(answer)
    line = json.dumps(workflow.ir, indent=2).split("\n").index('        "code": "return missing;"')
    assert f"Line {line + 1} nodes.b.data.code : line 1, column 8: Cannot find name" in text(answer)


def test_a_change_by_someone_else_is_reported_and_both_texts_are_shown(
    admin_client: Client, workflow: Workflow
) -> None:
    other = User.objects.create_user("Kim")
    renamed = {"type": "rename", "node": "a", "name": "Renamed by Kim"}
    drafts.change_draft(workflow.pk, renamed, revision=0, by=other)
    edited = chain(node("a"), node("b"), node("added"))

    answer = save(admin_client, workflow, edited, revision=0)

    assert "Kim changed this while you were editing it" in text(answer)
    assert "Renamed by Kim" in text(answer)
    assert json.dumps(edited, indent=2) in unescape(answer.content.decode())
    assert workflow.ir["nodes"][0]["name"] == "Renamed by Kim"
    save(admin_client, workflow, edited, revision=workflow.draft_revision)
    assert workflow.ir == edited


@pytest.mark.parametrize("stored", [{"nodes": []}, {}, [], 3, {"nodes": [1, {"id": []}]}])
def test_a_document_without_a_tree_is_repaired_as_text(
    admin_client: Client, workflow: Workflow, stored: Any
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(ir=stored)
    assert "A deploy would fail" in text(admin_client.get(address(workflow)))

    save(admin_client, workflow, chain(node("whole")))

    assert [item["id"] for item in workflow.ir["nodes"]] == ["whole"]


def test_users_who_can_only_view_workflows_can_read_the_document(
    log_in: LogIn, workflow: Workflow
) -> None:
    client = log_in("workflows.view_workflow")

    shown = client.get(address(workflow))
    answer = client.post(address(workflow), {"revision": "0", "text": "{}"})

    assert "metadata" in text(shown)
    assert "<textarea" not in shown.content.decode()
    assert answer.status_code == 403


def test_nodes_that_were_renamed_in_the_text_can_be_edited(
    admin_client: Client, workflow: Workflow
) -> None:
    save(admin_client, workflow, chain(node("first"), node("second")))

    assert 'data-node="second"' in admin_client.get(workflow.get_absolute_url()).content.decode()
