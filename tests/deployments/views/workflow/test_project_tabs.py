"""The tabs of a project: variables, settings and tests, and what is not possible with projects."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import CommandError, call_command
from django.test import Client

from audit.trail import SYSTEM
from deployments.draft.environment import environment_of
from runs.services.control import Refused
from runs.test_runs.services import OF_PROJECT, TestInput, start
from tests.deployments.factories import make_workflow
from tests.deployments.fakes import document
from tests.deployments.shop_project import CONFIG, line_of, make_project
from tests.support.page_text import markup, text
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow
from workflows.services import declare_binding, import_document, set_variable

pytestmark = pytest.mark.django_db
WITH_SECRET = CONFIG.replace('"vars"', '"secrets": { "required": ["TOKEN"] },\n  "vars"')


def variables(client: Client, project: Workflow) -> str:
    return text(client.get(f"/workflows/{project.pk}/variables/"))


def test_variables_of_the_configuration_are_shown_with_what_overrides_them(
    admin_client: Client,
) -> None:
    project = make_project()
    set_variable("GREETING", "good morning", workflow=project)

    shown = variables(admin_client, project)

    assert 'LIMITS {"max": 3} wrangler.jsonc used' in shown
    assert "Override" in shown
    assert "GREETING good morning instead of hello in wrangler.jsonc this workflow" in shown


def test_missing_secrets_are_named(admin_client: Client) -> None:
    project = make_project(**{"wrangler.jsonc": WITH_SECRET})

    assert "wrangler.jsonc requires 1 secret that no secret variable provides." in variables(
        admin_client, project
    )
    set_variable("TOKEN", "plain", workflow=project)
    assert [row.name for row in environment_of(project).missing] == ["TOKEN"]
    set_variable("TOKEN", "hidden", workflow=project, is_secret=True)
    assert environment_of(project).missing == []


def test_bindings_of_the_configuration_are_listed_with_their_variables(
    admin_client: Client,
) -> None:
    config = CONFIG.replace(
        '{ "binding": "CACHE" }', f'{{ "binding": "CACHE", "id": "{"a" * 32}" }}'
    )
    project = make_project(**{"wrangler.jsonc": config})
    (row,) = environment_of(project).bindings
    assert (row.variable, row.configured, row.value) == ("CACHE_BINDING_ID", "a" * 32, None)

    assert f"CACHE KV namespace {'a' * 32} wrangler.jsonc, line" in variables(admin_client, project)
    set_variable("CACHE_BINDING_ID", "b" * 32, workflow=project)
    assert f"{'b' * 32} from CACHE_BINDING_ID" in variables(admin_client, project)


def test_the_settings_are_read_only_and_lead_to_the_configuration(admin_client: Client) -> None:
    project = make_project()
    address = f"/workflows/{project.pk}/settings/"

    shown = markup(admin_client.get(address))

    line = line_of(CONFIG, "crons")
    files = f"/workflows/{project.pk}/code/files/?file=wrangler.jsonc"
    assert f'<a class="file-place" href="{files}#L{line}">wrangler.jsonc, line {line}</a>' in shown
    assert "at 03:00" in shown
    assert 'id="settings-form"' not in shown


def test_settings_cannot_be_posted(admin_client: Client) -> None:
    project = make_project()

    for part in ("", "preview/"):
        shown = text(admin_client.post(f"/workflows/{project.pk}/settings/{part}", {}))
        assert "Nothing was saved. The settings of a project are in its configuration" in shown
    project.refresh_from_db()
    assert project.deploy_settings == {}


def test_a_project_without_configuration_says_so(admin_client: Client) -> None:
    project = make_project()
    Workflow.objects.filter(pk=project.pk).update(files={"src/index.ts": "1;"})

    for part in ("settings/", "code/", "code/wrangler-json/", "code/javascript/", "variables/"):
        assert admin_client.get(f"/workflows/{project.pk}/{part}").status_code == 200
    shown = text(admin_client.get(f"/workflows/{project.pk}/settings/"))
    assert "The project has no wrangler.toml" in shown


def test_the_tests_tab_says_that_projects_have_none(admin_client: Client) -> None:
    project = make_project()
    address = f"/workflows/{project.pk}/tests/"

    assert OF_PROJECT in text(admin_client.get(address))
    assert "New test" not in text(admin_client.get(address))
    assert admin_client.get(f"{address}edit/").status_code == 302
    for part, data in (("run/", {"all": "1"}), ("delete/", {"test": "x"}), ("save/", {})):
        assert admin_client.post(f"{address}{part}", data).status_code == 302
    shown = text(admin_client.post(f"{address}edit/", {"text": '{"name": "a", "expect": {}}'}))
    assert OF_PROJECT in shown


def test_test_runs_and_saved_tests_are_refused(client: Client, admin_client: Client) -> None:
    project = make_project()

    with pytest.raises(Refused, match="not available for projects"):
        start(project, TestInput(), by=SYSTEM)
    for command in ("test_run", "test_workflow"):
        with pytest.raises(CommandError, match="not available for projects"):
            call_command(command, project.pk, stdout=io.StringIO())
    answer: Any = admin_client.post(
        f"/api/workflows/{project.pk}/test", "{}", content_type="application/json"
    )
    assert answer.status_code == 400
    assert "not available for projects" in answer.content.decode()


def test_a_project_is_not_exported_as_a_document(admin_client: Client) -> None:
    project = make_project()

    answer = admin_client.get(f"/workflows/{project.pk}/export/")

    assert answer.status_code == 302
    with pytest.raises(CommandError, match="download a version"):
        call_command("export_workflow", project.pk, output="-")
    assert "Download v1" in text(admin_client.get(f"/workflows/{project.pk}/versions/"))


def test_a_document_cannot_replace_a_project(admin_client: Client) -> None:
    project = make_project()

    with pytest.raises(InvalidIR, match="is a project"):
        import_document(document("return 1;"), into=project)
    project.refresh_from_db()
    assert project.is_project


def test_bindings_of_projects_are_not_declared() -> None:
    with pytest.raises(ValidationError, match="configuration file"):
        declare_binding(make_project(), "CACHE", "kv")


def test_a_copy_has_the_files(admin_client: Client) -> None:
    project = make_project()
    address = f"/workflows/{project.pk}/duplicate/"
    assert "change them before you deploy the copy" in text(admin_client.get(address))

    admin_client.post(address, {"name": "Second shop"})

    copy = Workflow.objects.get(name="Second shop")
    assert copy.is_project
    assert copy.files == project.files
    assert copy.versions.count() == 1


def test_workflows_are_listed_and_filtered_by_kind(admin_client: Client) -> None:
    project, graph = make_project(), make_workflow()
    address = "/admin/workflows/workflow/"

    projects = markup(admin_client.get(f"{address}?kind=project"))
    graphs = markup(admin_client.get(f"{address}?kind=workflow"))

    assert project.pk in projects
    assert graph.pk not in projects
    assert "Project" in projects
    assert graph.pk in graphs
    assert project.pk not in graphs
