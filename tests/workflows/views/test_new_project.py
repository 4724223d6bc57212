"""New projects from nothing, from samples and from uploaded files."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.documents.projects.examples import FILES
from tests.workflows.documents.projects.packing import zipped
from workflows.checked_files import checked_files
from workflows.documents.projects.starter import starter_files
from workflows.models import Workflow
from workflows.project_samples import project_samples

pytestmark = pytest.mark.django_db
ADDRESS = "/workflows/new-project/"


def upload(client: Client, **files: bytes) -> Any:
    uploads = [SimpleUploadedFile(name.replace("__", "."), data) for name, data in files.items()]
    return client.post(ADDRESS, {"start": "upload", "files": uploads})


def test_an_empty_project_has_no_errors_and_no_type_errors(admin_client: Client) -> None:
    answer = admin_client.post(ADDRESS, {"start": "empty", "name": "Päckchen & Co"})

    project = Workflow.objects.get()
    assert answer["Location"] == project.get_absolute_url()
    assert (project.name, project.class_name) == ("Päckchen & Co", "MyWorkflow")
    assert sorted(project.files) == [
        "package.json", "src/index.ts", "tsconfig.json", "wrangler.jsonc",
    ]  # fmt: skip
    problems = checked_files(project)
    assert [each.key for each in problems] == ["name"]
    assert problems[0].is_warning


def test_any_name_gives_a_name_that_wrangler_accepts() -> None:
    for name, own in (
        ("Hello World!", "hello-world"),
        ("***", "my-workflow"),
        ("x" * 200, "x" * 54),
    ):
        assert json.loads(starter_files(name)["wrangler.jsonc"])["name"] == own  # type: ignore[arg-type]


def test_a_name_is_required_for_an_empty_project(admin_client: Client) -> None:
    assert "Give the project a name." in text(admin_client.post(ADDRESS, {"start": "empty"}))
    named = admin_client.post(ADDRESS, {"start": "empty", "name": "a\u202eb"})
    assert "No project was created" in text(named)
    assert not Workflow.objects.exists()


def test_each_sample_can_be_a_project(admin_client: Client) -> None:
    page = text(admin_client.get(ADDRESS))
    for sample in project_samples():
        assert sample.title in page
        admin_client.post(ADDRESS, {"start": "sample", "sample": sample.name})
        project = Workflow.objects.get(name=sample.title)
        assert project.files == sample.files
        assert "sample.json" not in project.files
    unknown = admin_client.post(ADDRESS, {"start": "sample", "sample": "../.."})
    assert "There is no such sample" in text(unknown)


def test_an_archive_is_shown_before_it_is_stored(admin_client: Client) -> None:
    data = zipped({**FILES, ".env": "A=1", "node_modules/x.js": ""}, prefix="worker/")

    preview = upload(admin_client, project__zip=data)
    assert "src/index.ts" in text(preview)
    assert [each.path for each in preview.context["left_out"]] == [".env", "node_modules/"]
    assert "may hold secrets" in text(preview)
    assert not Workflow.objects.exists()

    stored = preview.context["project"]
    admin_client.post(ADDRESS, {"start": "stored", "project": stored, "name": "Mine"})
    project = Workflow.objects.get()
    assert (project.name, project.files) == ("Mine", FILES)


def test_loose_files_are_a_project_without_folders(admin_client: Client) -> None:
    preview = upload(admin_client, index__ts=b"export class A {}", logo__bin=b"\0")
    assert "The project has no wrangler.toml" in text(preview)
    assert "Create the project" not in text(preview)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no archive", "not a zip, tar or tar.gz archive"),
        (zipped({"../outside.ts": ""}), "points outside of the project"),
        (zipped({"a.ts": "", "A.ts": ""}), "differs from a.ts only in case"),
        (zipped({".env": "A=1"}), "There are no files to store."),
    ],
)
def test_files_that_cannot_be_stored_are_refused(
    admin_client: Client, data: bytes, reason: str
) -> None:
    page = text(upload(admin_client, project__zip=data))
    assert "No project was created" in page
    assert reason in page


@pytest.mark.parametrize("stored", ["", "{", "[]", '{"../x": ""}', '{"a.ts": 5}', '{"a.ts": ""}'])
def test_a_damaged_preview_stores_nothing(admin_client: Client, stored: str) -> None:
    answer = admin_client.post(ADDRESS, {"start": "stored", "project": stored, "name": "X"})
    assert "No project was created" in text(answer)
    assert not Workflow.objects.exists()


def test_others_create_nothing(log_in: LogIn) -> None:
    client = log_in("workflows.change_workflow")
    assert client.post(ADDRESS, {"start": "empty", "name": "X"}).status_code == 403


def test_the_page_of_new_workflows_leads_to_projects(admin_client: Client) -> None:
    page = admin_client.get("/admin/workflows/workflow/add/").content.decode()
    assert f'href="{ADDRESS}"' in page
