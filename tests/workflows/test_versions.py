"""Restoring versions: everything in the draft changes together, and can be undone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.support.audit_entries import entries
from tests.workflows.ir.documents import chain, node
from workflows import drafts, services, versions
from workflows.editing.document.refusals import Refused
from workflows.models import Workflow, WorkflowVersion

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia() -> User:
    return User.objects.create_user("mia")


@pytest.fixture
def workflow(mia: User) -> Workflow:
    """A workflow whose second version differs from the first one in everything."""
    workflow = Workflow(ir=chain(node("a"), node("b")))
    services.save_draft(workflow, by=mia)
    services.declare_binding(workflow, "STORE", "kv")
    workflow.ir = chain(node("a", code="return 2;"), node("c"))
    workflow.entry_code = "export default {};"
    workflow.dependencies = {"zod": "4.1.0"}
    workflow.deploy_settings = {"workersDev": False}
    services.declare_binding(workflow, "STORE", "r2")
    services.declare_binding(workflow, "MAIL", "queue")
    services.save_draft(workflow, by=mia)
    return workflow


def edit(workflow: Workflow, by: User) -> None:
    workflow.refresh_from_db()
    operation = {"type": "rename", "node": "c", "name": "Unsaved"}
    drafts.change_draft(workflow.pk, operation, revision=workflow.draft_revision, by=by)


def restore(version: WorkflowVersion, *, by: User) -> bool:
    revision = Workflow.objects.get(pk=version.workflow_id).draft_revision
    return versions.restore(version, revision=revision, by=by)


def draft_of(workflow: Workflow) -> dict[str, Any]:
    return Workflow.objects.get(pk=workflow.pk).content


def test_positions_times_and_ids_of_connections_alone_make_no_new_version(
    workflow: Workflow,
) -> None:
    newest = workflow.newest_version.number
    workflow.ir["nodes"][0]["position"] = {"x": 9, "y": 9}
    workflow.ir["edges"][0]["id"] = "another"
    workflow.ir["metadata"]["updatedAt"] = "2030-01-01T00:00:00Z"
    assert services.save_draft(workflow).number == newest
    assert versions.is_in_a_version(Workflow.objects.get(pk=workflow.pk))

    workflow.ir["nodes"][0]["name"] = "Other"
    assert services.save_draft(workflow).number == newest + 1


def test_everything_is_restored_as_one_change(workflow: Workflow, mia: User) -> None:
    first = workflow.versions.get(number=2)
    revision = Workflow.objects.get(pk=workflow.pk).draft_revision

    assert restore(first, by=mia)

    assert draft_of(workflow) == first.content
    workflow.refresh_from_db()
    assert workflow.draft_revision == revision + 1
    entry = entries().first()
    assert entry
    assert (entry.action, entry.detail) == ("version restored", {"version": 2})


def test_undo_brings_edits_back_that_were_in_no_version_and_redo_restores_again(
    workflow: Workflow, mia: User
) -> None:
    edit(workflow, mia)
    before, first = draft_of(workflow), workflow.versions.get(number=1)
    restore(first, by=mia)

    drafts.undo(workflow.pk, by=mia)
    assert draft_of(workflow) == before

    drafts.redo(workflow.pk, by=mia)
    assert draft_of(workflow) == first.content
    drafts.undo(workflow.pk, by=mia)
    drafts.undo(workflow.pk, by=mia)
    assert "Unsaved" not in str(draft_of(workflow))


def test_a_restored_draft_is_saved_as_a_new_version(workflow: Workflow, mia: User) -> None:
    count = workflow.versions.count()
    first = workflow.versions.get(number=1)
    restore(first, by=mia)

    saved = services.save_version(Workflow.objects.get(pk=workflow.pk), by=mia)

    assert (saved.number, saved.content) == (count + 1, first.content)


def test_restoring_what_the_draft_already_is_changes_nothing(workflow: Workflow, mia: User) -> None:
    count = workflow.draft_changes.count()

    assert not restore(workflow.newest_version, by=mia)
    assert workflow.draft_changes.count() == count
    assert not entries().filter(action="version restored").exists()


def test_undo_is_refused_if_the_settings_have_been_changed_since(
    workflow: Workflow, mia: User
) -> None:
    restore(workflow.versions.get(number=1), by=mia)
    Workflow.objects.filter(pk=workflow.pk).update(deploy_settings={"previewUrls": False})

    with pytest.raises(Refused, match="because the deploy settings have been changed since then"):
        drafts.undo(workflow.pk, by=mia)
    assert draft_of(workflow)["deploy_settings"] == {"previewUrls": False}


def test_a_binding_with_the_name_of_a_variable_is_not_restored(
    workflow: Workflow, mia: User
) -> None:
    services.remove_binding(workflow, "MAIL")
    services.set_variable("MAIL", "a@b.c", workflow=workflow)
    before = draft_of(workflow)
    last = next(each for each in workflow.versions.all() if "MAIL" in each.bindings)

    with pytest.raises(Refused, match="the workflow has a variable with this"):
        restore(last, by=mia)
    assert draft_of(workflow) == before


def test_edits_since_the_revision_are_not_replaced(workflow: Workflow, mia: User) -> None:
    revision = Workflow.objects.get(pk=workflow.pk).draft_revision
    edit(workflow, mia)
    before = draft_of(workflow)

    with pytest.raises(drafts.ChangedMeanwhile, match="mia changed this"):
        versions.restore(workflow.versions.get(number=1), revision=revision, by=mia)
    assert draft_of(workflow) == before


def test_a_version_without_a_tree_is_not_restored(workflow: Workflow, mia: User) -> None:
    workflow.versions.filter(number=1).update(ir={"nodes": []})

    with pytest.raises(Refused, match="not connected in a way that can run"):
        restore(workflow.versions.get(number=1), by=mia)


def test_edits_in_no_version_are_noticed(workflow: Workflow, mia: User) -> None:
    assert versions.is_in_a_version(workflow)
    edit(workflow, mia)
    assert not versions.is_in_a_version(Workflow.objects.get(pk=workflow.pk))

    restore(workflow.versions.get(number=1), by=mia)
    assert versions.is_in_a_version(Workflow.objects.get(pk=workflow.pk))
