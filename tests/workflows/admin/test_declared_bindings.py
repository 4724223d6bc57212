"""Declared bindings: edited on the workflow's page, stored in versions, shown with variables."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from deployments.services.deploy import request_deployment
from tests.deployments.factories import make_deployment, make_workflow
from tests.deployments.fakes import document
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.admin.test_workflow_admin import ADD, change, form
from workflows.models import Workflow
from workflows.services import declare_binding, set_variable

pytestmark = pytest.mark.django_db


def rows(*bindings: tuple[str, str], initial: int = 0) -> dict[str, str]:
    """Return the form fields of the table of declared bindings."""
    fields = {
        "declared_bindings-TOTAL_FORMS": str(len(bindings)),
        "declared_bindings-INITIAL_FORMS": str(initial),
    }
    for index, (name, kind) in enumerate(bindings):
        fields |= {f"declared_bindings-{index}-name": name, f"declared_bindings-{index}-kind": kind}
    return fields


def save(client: Client, workflow: Workflow, **fields: str) -> str:
    return text(client.post(change(workflow), form(workflow.ir, **fields), follow=True))


def test_a_workflow_is_saved_with_its_bindings_in_one_version(admin_client: Client) -> None:
    ir = make_workflow().ir
    Workflow.objects.all().delete()

    admin_client.post(ADD, form(ir, **rows(("STORE", "kv"), ("JOBS", "queue"))))

    (version,) = Workflow.objects.get().versions.all()
    assert version.bindings == {"STORE": "kv", "JOBS": "queue"}


def test_changing_only_a_declared_binding_creates_a_version(admin_client: Client) -> None:
    workflow = make_workflow()
    save(admin_client, workflow, **rows(("STORE", "kv")))
    row = workflow.declared_bindings.get()
    ids = {"declared_bindings-0-id": str(row.pk), "declared_bindings-0-workflow": workflow.pk}

    save(admin_client, workflow, **rows(("STORE", "r2"), initial=1), **ids)
    save(admin_client, workflow, **rows(("STORE", "r2"), initial=1), **ids)

    versions = [version.bindings for version in workflow.versions.order_by("number")]
    assert versions == [{}, {"STORE": "kv"}, {"STORE": "r2"}]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("WORKFLOW", "is the Worker's own Workflow"),
        ("store", "Use capital letters"),
        ("STORE_BINDING_ID", "Declare the binding without _BINDING_ID"),
        ("REGION", "is a variable of this workflow"),
    ],
)
def test_an_invalid_binding_name_is_refused(admin_client: Client, name: str, reason: str) -> None:
    workflow = make_workflow()
    set_variable("REGION", "eu", workflow=workflow)

    page = save(admin_client, workflow, **rows((name, "kv")))

    assert reason in page
    assert not workflow.declared_bindings.exists()
    assert workflow.versions.count() == 1


@pytest.mark.parametrize("count", ["", "x", "9" * 5_000])
def test_an_impossible_number_of_bindings_is_refused(admin_client: Client, count: str) -> None:
    posted = form(document()) | {"declared_bindings-TOTAL_FORMS": count}

    response = admin_client.post(ADD, posted)

    assert response.status_code == 200
    assert not Workflow.objects.exists()


def test_a_name_can_be_declared_only_once(admin_client: Client) -> None:
    page = save(admin_client, make_workflow(), **rows(("STORE", "kv"), ("STORE", "r2")))

    assert "Please correct the duplicate" in page


def test_a_variable_cannot_have_the_name_of_a_declared_binding() -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    with pytest.raises(ValidationError, match="is a declared binding of this workflow"):
        set_variable("STORE", "x", workflow=workflow)
    set_variable("STORE", "for the others")


def test_the_page_explains_declared_bindings_and_says_if_there_are_none(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "workflows.change_workflow")
    workflow = make_workflow()
    empty = text(client.get(change(workflow)))
    declare_binding(workflow, "STORE", "kv")

    filled = text(client.get(change(workflow)))

    assert "Declare a binding if its name has no such word" in empty
    assert "No bindings are declared" in empty
    assert "No bindings are declared" not in filled


def test_a_viewer_sees_bindings_and_cannot_add_any(log_in: LogIn) -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    page = log_in("workflows.view_workflow").get(change(workflow))

    assert "STORE" in text(page)
    assert "declared_bindings-0-name" not in page.content.decode()


def test_a_deployment_keeps_the_bindings_of_its_request() -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    deployment = request_deployment(workflow)
    declare_binding(workflow, "STORE", "r2")

    deployment.refresh_from_db()
    assert deployment.bindings == {"STORE": "kv"}


def test_the_deployment_page_shows_the_bound_resources(admin_client: Client) -> None:
    resources = [
        {"name": "STORE", "kind": "kv", "resource": "id-of-store"},
        {"name": "AI", "kind": "ai", "resource": ""},
        {"name": "OLD", "kind": "a kind of the past", "resource": "x"},
    ]
    deployment = make_deployment(bindings={"STORE": "kv"}, resources=resources)

    shown = text(admin_client.get(f"/deployments/{deployment.pk}/variables/"))
    record = text(admin_client.get(f"/deployments/{deployment.pk}/snapshot/"))

    assert "STORE KV namespace id-of-store declared binding" in shown
    assert "AI Workers AI the account's document" in shown
    assert "OLD a kind of the past x" in shown
    assert "Declared bindings STORE KV namespace" in record


def test_a_version_shows_its_bindings(admin_client: Client) -> None:
    workflow = make_workflow()
    version = declare_binding(workflow, "STORE", "kv")

    page = admin_client.get(f"/admin/workflows/workflowversion/{version.pk}/change/")

    assert "STORE" in text(page)
