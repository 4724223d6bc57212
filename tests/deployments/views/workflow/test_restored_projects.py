"""Restoring a version of a project: one change to its files, which can be undone."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.models import Entry
from tests.deployments.shop_project import make_project
from tests.support.page_text import text
from workflows import drafts
from workflows.models import Workflow
from workflows.projects import import_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Workflow:
    """A project whose second version has one more file, and another text in one."""
    project = make_project()
    more = {"src/money.ts": "export const total = () => 0;\n", "src/rate.ts": "export {};\n"}
    return import_project({**project.files, **more}, into=project)


def restored(client: Client, project: Workflow, **data: str) -> str:
    address = f"/workflows/{project.pk}/versions/1/restore/"
    return text(client.post(address, data, follow=True))


def test_a_restored_version_replaces_all_files(admin_client: Client, project: Workflow) -> None:
    before = project.files

    page = restored(admin_client, project)

    project.refresh_from_db()
    first = project.versions.get(number=1)
    assert project.files == first.files
    assert first.has_content(project.content)
    assert "The draft is now the same as v1. Undo reverts this." in page
    assert Entry.objects.filter(action="version restored", subject_id=project.pk).exists()
    drafts.undo(project.pk, by=User.objects.get(username="admin"))
    project.refresh_from_db()
    assert project.files == before


def test_edits_that_are_in_no_version_are_shown_first(
    admin_client: Client, project: Workflow
) -> None:
    Workflow.objects.filter(pk=project.pk).update(files={**project.files, "notes.md": "# Notes\n"})

    page = restored(admin_client, project)

    assert "The draft has edits that are not in any version Compared with v2: 1 file added." in page
    assert "The draft gets the files of v1, and no others." in page
    assert "2 files removed, 1 changed" in page
    project.refresh_from_db()
    assert "notes.md" in project.files
    restored(admin_client, project, save_first="1")
    project.refresh_from_db()
    assert project.versions.count() == 3
    assert "notes.md" not in project.files


def test_a_version_that_is_the_draft_changes_nothing(
    admin_client: Client, project: Workflow
) -> None:
    answer = admin_client.post(f"/workflows/{project.pk}/versions/2/restore/", follow=True)

    assert "The draft is already the same as v2." in text(answer)
