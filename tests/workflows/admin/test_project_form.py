"""The form with the name and the description of a project."""

from __future__ import annotations

import pytest
from django.test import Client

from audit.models import Entry
from tests.support.page_text import text
from tests.workflows.documents.projects.examples import FILES
from workflows.models import Workflow
from workflows.projects import import_project

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Workflow:
    return import_project({**FILES})


def test_the_menu_leads_to_a_form_without_the_parts_of_a_graph(
    admin_client: Client, project: Workflow
) -> None:
    address = f"/admin/workflows/workflow/{project.pk}/change/?form"
    assert (
        f'<a href="{address}#id_name">Rename</a>'
        in admin_client.get(project.get_absolute_url()).content.decode()
    )

    page = text(admin_client.get(address))

    assert "The Workflows in the configuration keep their names" in page
    assert "no picture" not in page
    assert "the name in the document" not in page


def test_a_project_is_renamed_although_its_draft_has_problems(
    admin_client: Client, project: Workflow
) -> None:
    Workflow.objects.filter(pk=project.pk).update(files={"src/index.ts": ""})
    address = f"/admin/workflows/workflow/{project.pk}/change/?form"

    answer = admin_client.post(address, {"name": "Orders", "description": "All of them"})

    assert answer.status_code == 302
    project.refresh_from_db()
    assert (project.name, project.description) == ("Orders", "All of them")
    assert project.files == {"src/index.ts": ""}
    assert project.versions.count() == 1
    entry = Entry.objects.latest("pk")
    assert (entry.action, entry.subject_name) == ("workflow renamed", "Orders")
    assert entry.detail["before"] == "workflows-starter"


def test_a_project_needs_a_name(admin_client: Client, project: Workflow) -> None:
    address = f"/admin/workflows/workflow/{project.pk}/change/?form"

    page = text(admin_client.post(address, {"name": "", "description": ""}))

    assert "This field is required." in page
    project.refresh_from_db()
    assert project.name == "workflows-starter"
