"""Restoring a version from its page."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.support.page_text import markup, text
from tests.workflows.ir.documents import chain, node
from workflows.models import Workflow
from workflows.services import save_draft

pytestmark = pytest.mark.django_db


@pytest.fixture
def workflow() -> Workflow:
    """A workflow with two versions, whose draft is the second one."""
    workflow = Workflow(ir=chain(node("a"), node("b")))
    save_draft(workflow)
    workflow.ir = chain(node("a"))
    save_draft(workflow)
    return workflow


def address(workflow: Workflow, number: int = 1) -> str:
    return f"/workflows/{workflow.pk}/versions/{number}/restore/"


def edit(workflow: Workflow) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(entry_code="export default {};")


def is_restored(workflow: Workflow) -> bool:
    first = workflow.versions.get(number=1)
    return first.has_content(Workflow.objects.get(pk=workflow.pk).content)


def test_a_draft_that_is_a_version_is_restored_immediately(
    admin_client: Client, workflow: Workflow
) -> None:
    shown = markup(admin_client.get(f"/workflows/{workflow.pk}/versions/1/"))
    answer = admin_client.post(address(workflow), follow=True)

    assert f'action="{address(workflow)}"' in shown
    assert is_restored(workflow)
    assert answer.redirect_chain[-1][0] == workflow.get_absolute_url()
    assert "The draft is now the same as v1. Undo reverts this." in text(answer)
    assert "Undo: Restored v1" in answer.content.decode()


def test_edits_that_are_in_no_version_are_shown_first(
    admin_client: Client, workflow: Workflow
) -> None:
    edit(workflow)

    answer = admin_client.post(address(workflow))

    page = text(answer)
    assert not is_restored(workflow)
    assert "The draft has edits that are not in any version" in page
    assert "Compared with v2: Entry code changed" in page
    assert "Save as v3, then restore v1" in page
    assert "1 node added; entry code changed" in page


def test_the_edits_can_be_saved_first(admin_client: Client, workflow: Workflow) -> None:
    edit(workflow)

    admin_client.post(address(workflow), {"save_first": "1"})

    assert is_restored(workflow)
    saved = workflow.newest_version
    assert (saved.number, saved.entry_code) == (3, "export default {};")
    assert saved.note == "Saved before v1 was restored"


def test_the_edits_can_be_replaced_after_a_confirmation(
    admin_client: Client, workflow: Workflow
) -> None:
    edit(workflow)

    admin_client.post(address(workflow), {"revision": str(workflow.draft_revision)})

    assert is_restored(workflow)
    assert workflow.versions.count() == 2


def test_edits_since_the_confirmation_are_asked_about_again(
    admin_client: Client, workflow: Workflow
) -> None:
    edit(workflow)
    Workflow.objects.filter(pk=workflow.pk).update(draft_revision=5)

    answer = admin_client.post(address(workflow), {"revision": "4"})

    assert "edits that are not in any version" in text(answer)
    assert not is_restored(workflow)


def test_a_draft_with_errors_cannot_be_saved_first(
    admin_client: Client, workflow: Workflow
) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(ir={"metadata": {}})

    answer = admin_client.post(address(workflow), {"save_first": "1"})

    assert "Nothing was saved or restored" in text(answer)
    assert "Undo cannot bring them back" in text(answer)
    assert not is_restored(workflow)


def test_what_the_draft_already_is_cannot_be_restored(
    admin_client: Client, workflow: Workflow
) -> None:
    shown = text(admin_client.get(f"/workflows/{workflow.pk}/versions/2/"))
    answer = admin_client.post(address(workflow, 2), follow=True)

    assert "Restore v2" not in shown
    assert "The draft is the same as this version" in shown
    assert "The draft is already the same as v2" in text(answer)


def test_an_archived_workflow_is_not_changed(admin_client: Client, workflow: Workflow) -> None:
    Workflow.objects.filter(pk=workflow.pk).update(archived_at="2026-01-01T00:00:00Z")

    shown = text(admin_client.get(f"/workflows/{workflow.pk}/versions/1/"))
    answer = admin_client.post(address(workflow), follow=True)

    assert "Restore v1" not in shown
    assert "Nothing was restored. This workflow is archived" in text(answer)
    assert not is_restored(workflow)
