"""The page of a deployment of a project."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from deployments.models import Deployment
from tests.deployments.factories import make_deployment
from tests.deployments.shop_project import MAIN, line_of, make_project
from tests.deployments.views.test_deployment_page import failed, page, words

pytestmark = pytest.mark.django_db
CONFIG = {
    "workflows": [{"name": "orders", "binding": "ORDERS", "class_name": "Orders"}],
    "vars": {"LIMITS": {"max": 3}},
}


@pytest.fixture
def deployment() -> Deployment:
    project = make_project()
    return make_deployment(
        workflow=project,
        files=project.files,
        status="succeeded",
        wrangler_json=json.dumps(CONFIG),
        variables={"GREETING": "hello", "LIMITS": {"max": 3}},
        variable_origins={"GREETING": "workflow", "LIMITS": "wrangler.jsonc"},
        resources=[{"name": "CACHE", "kind": "kv", "resource": "abc"}],
    )


def test_the_code_is_the_files(admin_client: Client, deployment: Deployment) -> None:
    assert "The files of version 1, which were deployed. 4 files" in words(
        admin_client, deployment, "code/"
    )
    file = admin_client.get(f"/deployments/{deployment.pk}/code/?file=src/index.ts&download")
    assert file.content.decode() == MAIN


def test_the_picture_leads_to_the_files_of_the_version(
    admin_client: Client, deployment: Deployment
) -> None:
    shown = page(admin_client, deployment, "picture/")

    line = line_of(MAIN, '"add up"')
    files = f"/workflows/{deployment.workflow_id}/versions/1/files/"
    assert f'href="{files}?file=src/index.ts#L{line}"' in shown


def test_the_picture_of_a_deleted_workflow_leads_to_the_files_of_the_deployment(
    admin_client: Client, deployment: Deployment
) -> None:
    assert deployment.workflow
    deployment.workflow.delete()

    shown = page(admin_client, deployment, "picture/")

    assert f'href="/deployments/{deployment.pk}/code/?file=src/index.ts#L' in shown


def test_variables_that_are_not_text_are_shown_as_json(
    admin_client: Client, deployment: Deployment
) -> None:
    shown = words(admin_client, deployment, "variables/")

    assert 'LIMITS {"max": 3} wrangler.jsonc' in shown
    assert "GREETING hello this workflow" in shown
    assert "CACHE KV abc wrangler.jsonc" in shown.replace("KV namespace", "KV")


def test_the_record_names_the_workflows(admin_client: Client, deployment: Deployment) -> None:
    shown = words(admin_client, deployment, "snapshot/")

    assert "Workflows orders (class Orders )" in shown.replace("Orders)", "Orders )")
    assert "Document (IR)" not in shown


def test_findings_lead_to_the_line_of_the_file(admin_client: Client) -> None:
    project = make_project()
    found = {"message": "Nothing is called totl.", "path": "src/index.ts", "line": 7}
    other = {"message": "It is not set.", "path": "TOKEN", "line": 0}
    deployment = failed(workflow=project, files=project.files, problems=[found, other])

    shown = page(admin_client, deployment)

    files = f"/workflows/{project.pk}/versions/1/files/"
    assert (
        f'<a class="file-place" href="{files}?file=src/index.ts#L7"><code>src/index.ts, line 7</code></a>'
        in shown
    )
    assert "<code>TOKEN</code>" in shown
