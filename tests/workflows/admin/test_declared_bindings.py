"""Declared bindings: edited on the workflow's page, kept in versions, shown where variables are."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from deployments.services.deploy import request_deployment
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.page_text import text
from tests.support.sessions import LogIn
from tests.workflows.admin.test_workflow_admin import ADD, change, form
from workflows.models import Workflow
from workflows.services import declare_binding, set_variable

pytestmark = pytest.mark.django_db


def rows(*bindings: tuple[str, str], initial: int = 0) -> dict[str, str]:
    """What the browser sends of the table of declared bindings."""
    sent = {
        "declared_bindings-TOTAL_FORMS": str(len(bindings)),
        "declared_bindings-INITIAL_FORMS": str(initial),
    }
    for index, (name, kind) in enumerate(bindings):
        sent |= {f"declared_bindings-{index}-name": name, f"declared_bindings-{index}-kind": kind}
    return sent


def save(client: Client, workflow: Workflow, **sent: str) -> str:
    return text(client.post(change(workflow), form(workflow.ir, **sent), follow=True))


def test_a_workflow_is_saved_with_its_bindings_in_one_version(admin_client: Client) -> None:
    ir = make_workflow().ir
    Workflow.objects.all().delete()

    admin_client.post(ADD, form(ir, **rows(("STORE", "kv"), ("JOBS", "queue"))))

    (version,) = Workflow.objects.get().versions.all()
    assert version.bindings == {"STORE": "kv", "JOBS": "queue"}


def test_a_changed_declaration_alone_is_a_new_version(admin_client: Client) -> None:
    workflow = make_workflow()
    save(admin_client, workflow, **rows(("STORE", "kv")))
    row = workflow.declared_bindings.get()
    known = {"declared_bindings-0-id": str(row.pk), "declared_bindings-0-workflow": workflow.pk}

    save(admin_client, workflow, **rows(("STORE", "r2"), initial=1), **known)
    save(admin_client, workflow, **rows(("STORE", "r2"), initial=1), **known)

    kept = [version.bindings for version in workflow.versions.order_by("number")]
    assert kept == [{}, {"STORE": "kv"}, {"STORE": "r2"}]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("WORKFLOW", "is the Worker's own Workflow"),
        ("store", "Use capital letters"),
        ("STORE_BINDING_ID", "declare the binding without it"),
        ("REGION", "is a variable of this workflow"),
    ],
)
def test_a_name_that_cannot_be_bound_is_refused(
    admin_client: Client, name: str, reason: str
) -> None:
    workflow = make_workflow()
    set_variable("REGION", "eu", workflow=workflow)

    page = save(admin_client, workflow, **rows((name, "kv")))

    assert reason in page
    assert not workflow.declared_bindings.exists()
    assert workflow.versions.count() == 1


def test_a_name_is_declared_once(admin_client: Client) -> None:
    page = save(admin_client, make_workflow(), **rows(("STORE", "kv"), ("STORE", "r2")))

    assert "Please correct the duplicate" in page


def test_a_variable_does_not_take_a_declared_name() -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    with pytest.raises(ValidationError, match="is a declared binding of this workflow"):
        set_variable("STORE", "x", workflow=workflow)
    set_variable("STORE", "for the others")


def test_the_page_says_what_may_be_declared_and_that_nothing_is(log_in: LogIn) -> None:
    client = log_in("workflows.view_workflow", "workflows.change_workflow")
    workflow = make_workflow()
    empty = text(client.get(change(workflow)))
    declare_binding(workflow, "STORE", "kv")

    filled = text(client.get(change(workflow)))

    assert "Declare what these cannot tell" in empty
    assert "No binding is declared" in empty
    assert "No binding is declared" not in filled


def test_who_may_only_view_sees_bindings_and_cannot_add_any(log_in: LogIn) -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    page = log_in("workflows.view_workflow").get(change(workflow))

    assert "STORE" in text(page)
    assert "declared_bindings-0-name" not in page.content.decode()


def test_a_deployment_keeps_what_was_declared_when_it_was_asked_for() -> None:
    workflow = make_workflow()
    declare_binding(workflow, "STORE", "kv")

    asked = request_deployment(workflow)
    declare_binding(workflow, "STORE", "r2")

    asked.refresh_from_db()
    assert asked.bindings == {"STORE": "kv"}


def test_the_deployments_page_shows_what_was_bound(admin_client: Client) -> None:
    resources = [
        {"name": "STORE", "kind": "kv", "resource": "id-of-store"},
        {"name": "AI", "kind": "ai", "resource": ""},
        {"name": "OLD", "kind": "a kind of the past", "resource": "x"},
    ]
    deployment = make_deployment(bindings={"STORE": "kv"}, resources=resources)

    shown = text(admin_client.get(f"/deployments/{deployment.pk}/variables/"))
    record = text(admin_client.get(f"/deployments/{deployment.pk}/snapshot/"))

    assert "STORE KV namespace id-of-store its declaration" in shown
    assert "AI Workers AI the account's the document" in shown
    assert "OLD a kind of the past x" in shown
    assert "Declared bindings STORE KV namespace" in record


def test_a_version_shows_its_bindings(admin_client: Client) -> None:
    workflow = make_workflow()
    version = declare_binding(workflow, "STORE", "kv")

    page = admin_client.get(f"/admin/workflows/workflowversion/{version.pk}/change/")

    assert "STORE" in text(page)
