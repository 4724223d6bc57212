"""Duplicating, archiving and unarchiving workflows."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.models import Entry
from audit.trail import Actor
from deployments.models import Deployment
from deployments.services.deploy import request_deployment, request_snapshot
from targets.policy import Refused
from tests.deployments.factories import make_deployment, make_workflow
from tests.deployments.views.live import live
from tests.support.page_text import text
from tests.support.sessions import LogIn
from workflows import drafts, services
from workflows.editing.document import refusals
from workflows.ir.reading.problems import InvalidIR
from workflows.models import EnvironmentVariable, Workflow

pytestmark = pytest.mark.usefixtures("no_workers", "db")
LIST = "/admin/workflows/workflow/"


def archived() -> Workflow:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(
        archived_at="2026-01-01T00:00Z", archived_by="ada"
    )
    workflow.refresh_from_db()
    return workflow


def test_a_copy_has_everything_that_makes_the_draft(admin_client: Client) -> None:
    workflow = make_workflow("return env.DB;")
    services.declare_binding(workflow, "DB", "d1")
    workflow.deploy_settings = {"limits": {"cpuMs": 50}}
    workflow.entry_code = "export function fetch() { return new Response('hi'); }"
    services.save_draft(workflow)

    answer = admin_client.post(f"/workflows/{workflow.pk}/duplicate/", {"name": "Second"})

    copy = Workflow.objects.exclude(pk=workflow.pk).get()
    assert answer.headers["Location"] == copy.get_absolute_url()
    assert (copy.name, copy.ir["metadata"]["name"], copy.class_name) == (
        "Second",
        "Second",
        "Second",
    )
    assert copy.content == {**workflow.content, "ir": copy.ir}
    assert copy.ir["nodes"] == workflow.ir["nodes"]
    assert copy.newest_version.number == 1
    entry = Entry.objects.get(action="workflow duplicated")
    assert (entry.subject_id, entry.detail["from_workflow"]) == (copy.pk, workflow.pk)


def test_a_copy_gets_no_routes_and_the_page_says_so(admin_client: Client) -> None:
    workflow = make_workflow()
    routes = [{"pattern": "api.example.com/*", "zoneName": "example.com"}]
    workflow.deploy_settings = {"routes": routes, "customDomains": ["x.example.com"]}
    services.save_draft(workflow)

    page = text(admin_client.get(f"/workflows/{workflow.pk}/duplicate/"))
    admin_client.post(f"/workflows/{workflow.pk}/duplicate/", {"name": "Second"})

    assert "Only one Worker can have routes and custom domains, so the copy has none." in page
    assert Workflow.objects.get(name="Second").deploy_settings == {}
    workflow.refresh_from_db()
    assert workflow.deploy_settings["routes"] == routes


def test_variables_are_copied_when_asked_for_and_secrets_stay_secret(admin_client: Client) -> None:
    workflow = make_workflow()
    services.set_variable("API_KEY", "s3cr3t", workflow=workflow, is_secret=True)
    services.set_variable("REGION", "eu", workflow=workflow)
    address = f"/workflows/{workflow.pk}/duplicate/"

    page = admin_client.get(address)
    admin_client.post(address, {"name": "With", "variables": "on"})
    admin_client.post(address, {"name": "Without"})

    assert "Copy its 2 variables, including secrets" in text(page)
    assert "s3cr3t" not in page.content.decode()
    copied = Workflow.objects.get(name="With").variables.all()
    assert {each.name: (each.value, each.is_secret) for each in copied} == {
        "API_KEY": ("s3cr3t", True),
        "REGION": ("eu", False),
    }
    assert Workflow.objects.get(name="Without").variables.count() == 0
    assert "s3cr3t" not in str(list(Entry.objects.values_list("detail", flat=True)))


def test_variables_are_not_copied_for_people_who_may_not_add_them(log_in: LogIn) -> None:
    workflow = make_workflow()
    services.set_variable("API_KEY", "s3cr3t", workflow=workflow, is_secret=True)
    client = log_in("workflows.view_workflow", "workflows.add_workflow")

    page = text(client.get(f"/workflows/{workflow.pk}/duplicate/"))
    client.post(f"/workflows/{workflow.pk}/duplicate/", {"name": "Copy", "variables": "on"})

    assert "you do not have permission to add them" in page
    assert Workflow.objects.get(name="Copy").variables.count() == 0


def test_a_copy_needs_a_name_and_gets_a_free_one_suggested(admin_client: Client) -> None:
    workflow = make_workflow()
    address = f"/workflows/{workflow.pk}/duplicate/"
    first = admin_client.get(address).context["name"]
    admin_client.post(address, {"name": first})

    answer = admin_client.post(address, {"name": "  "})

    assert first == f"Copy of {workflow.name}"
    assert admin_client.get(address).context["name"] == f"Copy 2 of {workflow.name}"
    assert "Give the copy a name." in text(answer)
    assert Workflow.objects.count() == 2


@pytest.mark.parametrize("document", [[], {}, {"nodes": None}, {"metadata": "x", "nodes": [1]}])
def test_a_draft_that_is_not_a_document_is_not_duplicated(
    admin_client: Client, document: object
) -> None:
    workflow = make_workflow()
    Workflow.objects.update(ir=document)

    page = admin_client.post(f"/workflows/{workflow.pk}/duplicate/", {"name": "Second"})

    assert "Nothing was created." in text(page)
    assert Workflow.objects.count() == 1


def test_an_archived_workflow_is_left_out_of_the_dashboard_and_the_list(
    admin_client: Client,
) -> None:
    workflow = make_workflow()

    answer = admin_client.post(f"/workflows/{workflow.pk}/archive/")

    link = f"/{workflow.pk}/"
    assert answer.headers["Location"] == LIST
    assert link not in admin_client.get("/").content.decode()
    assert link not in admin_client.get(LIST).content.decode()
    assert link in admin_client.get(f"{LIST}?status=archived").content.decode()
    assert link in admin_client.get(f"{LIST}?status=all").content.decode()
    page = text(admin_client.get(workflow.get_absolute_url()))
    assert re.search(r"Archived .{1,20} by admin . It cannot be changed or deployed", page)
    assert Entry.objects.filter(action="workflow archived", subject_id=workflow.pk).exists()


def test_a_live_workflow_is_not_archived_and_the_page_leads_to_the_takedown(
    admin_client: Client,
) -> None:
    workflow, _ = live()
    address = f"/workflows/{workflow.pk}/archive/"

    page = admin_client.get(address)
    answer = admin_client.post(address)

    assert "Take it down first." in text(page)
    assert f"/workflows/{workflow.pk}/live/takedown/?target=" in page.content.decode()
    assert "Not archived" in text(answer)
    workflow.refresh_from_db()
    assert not workflow.is_archived


def test_a_workflow_is_not_archived_during_a_deployment(admin_client: Client) -> None:
    workflow = make_workflow()
    running = make_deployment(workflow=workflow, status="running")

    answer = admin_client.post(f"/workflows/{workflow.pk}/archive/")

    assert f"Deployment #{running.pk} has not ended." in text(answer)
    workflow.refresh_from_db()
    assert not workflow.is_archived


def test_an_archived_workflow_can_be_neither_changed_nor_deployed(
    admin_client: Client, admin_user: User
) -> None:
    workflow = archived()
    earlier = make_deployment(workflow=workflow, status="succeeded", version_id="v")
    before = workflow.content
    change = {"type": "rename", "node": workflow.ir["nodes"][0]["id"], "name": "other"}

    with pytest.raises(refusals.Refused, match="is archived"):
        drafts.change_draft(workflow.pk, change, revision=0, by=admin_user)
    with pytest.raises(InvalidIR, match="is archived"):
        services.import_document(workflow.ir, into=workflow)
    with pytest.raises(InvalidIR, match="is archived"):
        services.declare_binding(workflow, "DB", "d1")
    with pytest.raises(Refused, match="is archived"):
        request_deployment(workflow, by=Actor.of(admin_user))
    with pytest.raises(Refused, match="is archived"):
        request_snapshot(earlier, by=Actor.of(admin_user))
    form = admin_client.post(f"{workflow.get_absolute_url()}", {"ir": "{}", "name": "x"})

    assert form.status_code == 403
    assert Workflow.objects.get(pk=workflow.pk).content == before
    assert Deployment.objects.count() == 1
    editor = admin_client.get(workflow.get_absolute_url()).content.decode()
    assert 'id="deploy"' not in editor
    assert 'data-action="undo"' not in editor


def test_the_variables_of_an_archived_workflow_cannot_be_set(admin_client: Client) -> None:
    workflow = archived()
    address = f"/workflows/{workflow.pk}/variables/"
    admin = {"name": "URL", "workflow": workflow.pk, "new_value": "x"}

    one = admin_client.post(f"{address}set/", {"name": "URL", "new_value": "x"})
    several = admin_client.post(f"{address}paste/", {"env": "URL=x\nKEY=y"})
    in_admin = admin_client.post("/admin/workflows/environmentvariable/add/", admin)
    with pytest.raises(CommandError, match="is archived"):
        call_command("set_variable", "URL", "x", workflow=workflow.pk)

    for page in (one, several, in_admin):
        assert text(page).count("Unarchive it before you change or deploy it.") == 1
    assert not EnvironmentVariable.objects.exists()
    assert 'name="new_value"' not in admin_client.get(address).content.decode()


def test_an_unarchived_workflow_can_be_deployed_again(
    admin_client: Client, admin_user: User
) -> None:
    workflow = archived()

    admin_client.post(f"/workflows/{workflow.pk}/unarchive/")

    assert request_deployment(workflow, by=Actor.of(admin_user)).pk
    assert Entry.objects.filter(action="workflow unarchived", subject_id=workflow.pk).count() == 1
