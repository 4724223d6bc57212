"""The requests of the editor of projects, with and without scripts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.documents.projects.examples import FILES
from workflows.documents.projects.tags import tag_of
from workflows.models import DraftChange, Workflow
from workflows.projects import import_project

pytestmark = pytest.mark.django_db
MAIN = "src/index.ts"


@pytest.fixture
def project() -> Workflow:
    return import_project({**FILES, "logo.bin": {"base64": "AAE="}})


def post(client: Client, project: Workflow, operation: str, **fields: Any) -> Any:
    body = {"operation": operation, **fields}
    address = f"/workflows/{project.pk}/files/change/"
    answer = client.post(address, json.dumps(body), content_type="application/json")
    project.refresh_from_db()
    return answer


def write(client: Client, project: Workflow, content: str, path: str = MAIN, **more: Any) -> Any:
    fields = {"base": tag_of(project.files, path), **more}
    return post(client, project, "write", path=path, text=content, **fields)


def step(client: Client, project: Workflow, name: str) -> Any:
    address = f"/workflows/{project.pk}/draft/{name}/"
    answer = client.post(address, "{}", content_type="application/json")
    project.refresh_from_db()
    return answer


def test_a_text_is_saved_as_a_change_of_the_draft(admin_client: Client, project: Workflow) -> None:
    answer = write(admin_client, project, "export default {};\n")

    assert project.files[MAIN] == "export default {};\n"
    assert answer.json()["revision"] == project.draft_revision == 1
    assert f'data-tag="{tag_of(project.files, MAIN)}"' in answer.json()["parts"]["project-tree"]
    assert "Draft differs from v1" in answer.json()["parts"]["editor-status"]
    change = DraftChange.objects.get()
    assert (change.summary, change.touched) == (f"Changed {MAIN}", [[MAIN, ""]])
    assert [part["part"] for part in change.changes] == ["files"]


def test_a_repeated_request_changes_nothing(admin_client: Client, project: Workflow) -> None:
    write(admin_client, project, "1", id="abc")
    write(admin_client, project, "2")

    assert write(admin_client, project, "1", id="abc").status_code == 200
    assert project.files[MAIN] == "2"


def test_people_on_different_files_do_not_get_into_conflict(
    admin_client: Client, project: Workflow
) -> None:
    old = tag_of(project.files, MAIN)
    write(admin_client, project, "{}", path="package.json")

    assert write(admin_client, project, "mine", base=old).status_code == 200


def test_nobody_overwrites_the_change_of_somebody_else(
    admin_client: Client, project: Workflow, log_in: LogIn
) -> None:
    old = tag_of(project.files, MAIN)
    write(log_in("workflows.change_workflow"), project, "theirs")

    for operation in ("write", "move", "delete"):
        answer = post(admin_client, project, operation, path=MAIN, text="mine", to="b.ts", base=old)
        assert answer.status_code == 409
        assert answer.json() == {
            "error": f"somebody changed this while you were editing it: Changed {MAIN}.",
            "current": "theirs",
        }
    assert project.files[MAIN] == "theirs"


def test_own_changes_are_undone_and_redone(admin_client: Client, project: Workflow) -> None:
    before = dict(project.files)
    base = tag_of(project.files, "src/")
    answer = post(admin_client, project, "move", path="src/", to="code", base=base)
    assert answer.json()["moved"][MAIN] == "code/index.ts"

    undone = step(admin_client, project, "undo")
    assert project.files == before
    assert undone.json()["moved"]["code/index.ts"] == MAIN
    assert step(admin_client, project, "redo").json()["summary"] == "Redone: Moved src/ to code/"
    assert "code/index.ts" in project.files


def test_a_deleted_file_comes_back_with_undo(admin_client: Client, project: Workflow) -> None:
    base = tag_of(project.files, "logo.bin")
    post(admin_client, project, "delete", path="logo.bin", base=base)
    assert "logo.bin" not in project.files

    assert step(admin_client, project, "undo").json()["opened"] == "logo.bin"
    assert project.files["logo.bin"] == {"base64": "AAE="}


def test_undo_does_not_overwrite_a_later_change_by_somebody_else(
    admin_client: Client, project: Workflow, log_in: LogIn
) -> None:
    write(admin_client, project, "mine")
    write(log_in("workflows.change_workflow"), project, "theirs")

    answer = step(admin_client, project, "undo")
    assert answer.status_code == 422
    assert "because somebody changed the same part" in answer.json()["error"]
    assert project.files[MAIN] == "theirs"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"operation": "write"},
        {"operation": "write", "path": MAIN, "base": "", "text": 5},
        {"operation": "write", "path": MAIN, "base": None, "text": ""},
        {"operation": ["write"], "path": MAIN, "base": ""},
        {"operation": "move", "path": "gone.ts", "to": "x.ts", "base": ""},
        {"operation": "add", "path": "../x"},
        {"operation": "replace", "path": MAIN, "base": ""},
        {"operation": "upload", "folder": ""},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    admin_client: Client, project: Workflow, fields: dict[str, Any]
) -> None:
    before = dict(project.files)
    address = f"/workflows/{project.pk}/files/change/"
    answer = admin_client.post(address, json.dumps(fields), content_type="application/json")
    project.refresh_from_db()

    assert answer.status_code == 422
    assert answer.json()["error"]
    assert project.files == before


def test_a_body_that_is_not_json_is_refused(admin_client: Client, project: Workflow) -> None:
    address = f"/workflows/{project.pk}/files/change/"
    assert admin_client.post(address, "{", content_type="application/json").status_code == 422


def test_files_are_uploaded_into_a_folder(admin_client: Client, project: Workflow) -> None:
    uploads = [SimpleUploadedFile("a.txt", b"text"), SimpleUploadedFile("b.bin", b"\0")]
    fields = {"operation": "upload", "folder": "assets/", "files": uploads}
    answer = admin_client.post(
        f"/workflows/{project.pk}/files/change/", fields, headers={"Accept": "application/json"}
    )
    project.refresh_from_db()

    assert answer.json()["summary"] == "Added assets/a.txt, assets/b.bin"
    assert project.files["assets/a.txt"] == "text"
    assert project.files["assets/b.bin"] == {"base64": "AA=="}


def test_a_file_that_is_too_large_is_refused(admin_client: Client, project: Workflow) -> None:
    fields = {"operation": "upload", "folder": "", "files": [SimpleUploadedFile("a", b"x" * 2**21)]}
    answer = admin_client.post(
        f"/workflows/{project.pk}/files/change/", fields, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["error"] == "a: is larger than 1 MB"


def test_a_document_has_no_files_to_change(admin_client: Client, project: Workflow) -> None:
    project.ir = {}
    project.save()
    answer = post(admin_client, project, "add", path="x.ts")
    assert (answer.status_code, project.draft_revision) == (422, 0)


def test_a_download_has_the_exact_bytes_and_is_never_shown(
    admin_client: Client, project: Workflow
) -> None:
    answer = admin_client.get(f"/workflows/{project.pk}/files/?download&path=logo.bin")
    assert answer.content == b"\0\1"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    missing = admin_client.get(f"/workflows/{project.pk}/files/?download&path=../../etc/passwd")
    assert missing.status_code == 404


def test_the_page_shows_the_file_in_the_address(admin_client: Client, project: Workflow) -> None:
    address = f"/admin/workflows/workflow/{project.pk}/change/"
    assert "export class MyWorkflow" in admin_client.get(address).content.decode()
    assert "# name of your" in admin_client.get(f"{address}?file=wrangler.toml").content.decode()
    assert "Its size is 2 bytes" in text(admin_client.get(f"{address}?file=logo.bin"))
    assert "There is no file gone.ts" in text(admin_client.get(f"{address}?file=gone.ts"))


def test_without_scripts_a_form_saves_and_keeps_what_was_typed_in_a_conflict(
    admin_client: Client, project: Workflow
) -> None:
    address, old = f"/workflows/{project.pk}/files/change/", tag_of(project.files, MAIN)
    fields = {"operation": "write", "path": MAIN, "base": old, "text": "one\r\ntwo"}

    saved = admin_client.post(address, fields)
    project.refresh_from_db()
    refused = admin_client.post(address, {**fields, "text": "three"})

    assert saved["Location"].endswith("?file=src%2Findex.ts")
    assert project.files[MAIN] == "one\ntwo"
    assert "Your text was not saved" in text(refused)
    assert "three" in refused.content.decode()


def test_viewers_read_and_change_nothing(log_in: LogIn, project: Workflow) -> None:
    viewer = log_in("workflows.view_workflow")
    page = viewer.get(f"/admin/workflows/workflow/{project.pk}/change/").content.decode()

    assert "readonly" in page
    assert "data-file-action" not in page
    assert write(viewer, project, "x").status_code == 403
    assert viewer.get(f"/workflows/{project.pk}/files/?path={MAIN}").status_code == 200
    address = f"/admin/workflows/workflow/{project.pk}/change/?form"
    assert viewer.get(address).status_code == 200


def test_an_archived_project_is_not_changed(admin_client: Client, project: Workflow) -> None:
    Workflow.objects.filter(pk=project.pk).update(archived_at="2026-01-01T00:00:00Z")
    assert write(admin_client, project, "x").status_code == 422


def test_a_page_of_another_user_changes_nothing(
    admin_client: Client, admin_user: User, project: Workflow
) -> None:
    answer = write(admin_client, project, "x", user=str(admin_user.pk + 1))
    assert (answer.status_code, answer.json()["other_user"]) == (409, True)


def test_problems_have_their_file_and_line(admin_client: Client, project: Workflow) -> None:
    broken = project.files[MAIN] + "\nconst wrong: number = 'text';\n"
    write(admin_client, project, broken)

    answer = admin_client.get(f"/workflows/{project.pk}/draft/problems/").json()

    [problem] = answer["files"][MAIN]
    assert problem["severity"] == "error"
    assert problem["line"] == broken.count("\n")
    assert "TS2322" in problem["text"]
    assert f'data-problem-file="{MAIN}"' in answer["html"]


def test_a_version_is_saved_with_a_note_or_says_what_prevents_it(
    admin_client: Client, project: Workflow
) -> None:
    address = f"/workflows/{project.pk}/draft/save/"
    write(admin_client, project, "main = 5", path="wrangler.toml")
    refused = admin_client.post(address, {"file": MAIN}, follow=True)
    assert "Nothing was saved. wrangler.toml" in text(refused)

    step(admin_client, project, "undo")
    write(admin_client, project, project.files[MAIN] + "// more\n")
    saved = admin_client.post(address, {"file": MAIN, "note": "More"})
    assert saved["Location"].endswith("?file=src%2Findex.ts")
    assert project.newest_version.note == "More"


def test_the_form_with_settings_changes_only_the_name(
    admin_client: Client, project: Workflow
) -> None:
    address = f"/admin/workflows/workflow/{project.pk}/change/?form"
    page = admin_client.get(address).content.decode()
    assert 'name="ir"' not in page
    assert "declared_bindings" not in page

    opened_at = project.updated_at.isoformat()
    fields = {"name": "Renamed", "description": "", "opened_at": opened_at}
    answer = admin_client.post(address, fields)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    project.refresh_from_db()
    assert (project.name, project.files[MAIN]) == ("Renamed", FILES[MAIN])


def test_notes_are_below_the_errors_and_a_missing_secret_has_a_link(
    admin_client: Client, project: Workflow
) -> None:
    project.files["wrangler.toml"] += '[secrets]\nrequired = ["API_KEY"]\n'
    project.save()

    answer = admin_client.get(f"/workflows/{project.pk}/draft/problems/").json()

    shown = text(HttpResponse(answer["html"]))
    assert "1 error, 1 note" in shown
    assert shown.index("Error wrangler.toml") < shown.index("Note wrangler.toml")
    assert f"?workflow={project.pk}&amp;name=API_KEY&amp;is_secret=1" in answer["html"]
    assert [each["severity"] for each in answer["files"]["wrangler.toml"]] == ["error"]
