"""The Deploy button."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from awaitstep_site.env import Environment
from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.support.page_text import markup, text
from tests.support.sessions import LogIn
from workflows.models import Workflow
from workflows.services import save_draft


def press(client: Client, workflow: str, **form: str) -> str:
    """Press Deploy and return the redirect URL."""
    answer = client.post(f"/workflows/{workflow}/deploy/", form)
    assert answer.status_code == 302
    return str(answer["Location"])


def test_it_redirects_to_the_new_deployments_page(admin_client: Client) -> None:
    where = press(admin_client, make_workflow().pk)

    deployment = Deployment.objects.get()
    assert where == f"/deployments/{deployment.pk}/"
    assert (deployment.status, deployment.requested_by_name) == ("queued", "admin")
    assert deployment.target_name == "local"


def test_it_deploys_to_the_given_target(admin_client: Client) -> None:
    target = make_target()

    press(admin_client, make_workflow().pk, target=str(target.pk))

    assert Deployment.objects.get().target == target


@pytest.mark.parametrize("target", ["x", "999", "-1"])
def test_an_unknown_target_is_not_found(admin_client: Client, target: str) -> None:
    answer = admin_client.post(f"/workflows/{make_workflow().pk}/deploy/", {"target": target})

    assert answer.status_code == 404
    assert not Deployment.objects.exists()


def test_deploy_again_goes_to_the_same_target(admin_client: Client) -> None:
    target = make_target()
    deployment = make_deployment(target=target, status="failed")

    page = admin_client.get(f"/deployments/{deployment.pk}/").content.decode()

    assert f'<input type="hidden" name="target" value="{target.pk}">' in page
    assert f'action="/workflows/{deployment.workflow_id}/deploy/"' in page


def refused(client: Client, workflow: str, **form: str) -> str:
    """Press Deploy and return the text of the dialog that refuses it."""
    answer = client.post(f"/workflows/{workflow}/deploy/", form)
    assert answer.status_code == 200
    assert not Deployment.objects.exists()
    return text(answer)


def test_without_a_target_the_dialog_says_where_to_add_one(
    admin_client: Client, settings: Settings
) -> None:
    settings.AWAITSTEP = Environment(local_cloudflare=False)

    page = refused(admin_client, make_workflow().pk)

    assert "Nothing was deployed There is no default target." in page
    assert "Add your Cloudflare account as a target" in page
    assert "There is no target to deploy to." in text(admin_client.get("/"))


def test_a_workflow_without_a_version_is_refused_with_a_message(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.all().delete()

    assert "has no version yet" in refused(admin_client, workflow.pk)


def test_a_get_request_deploys_nothing(admin_client: Client) -> None:
    assert admin_client.get(f"/workflows/{make_workflow().pk}/deploy/").status_code == 200

    assert not Deployment.objects.exists()


@pytest.mark.parametrize(
    "rules", [{"protected": True}, {"frozen_from": timezone.now() - timedelta(hours=1)}]
)
def test_the_button_alone_does_not_deploy_to_a_restricted_target(
    admin_client: Client, rules: dict[str, object]
) -> None:
    target, workflow = make_target(is_default=True, **rules), make_workflow()

    where = press(admin_client, workflow.pk)

    assert where == f"/workflows/{workflow.pk}/deploy/?target={target.pk}"
    assert not Deployment.objects.exists()
    assert "Deploy v1 …" in text(admin_client.get("/"))


def test_each_deploy_button_names_the_version_that_it_deploys(admin_client: Client) -> None:
    workflow = make_workflow()
    deployment = make_deployment(workflow=workflow, status="failed")
    workflow.entry_code = "// changed"
    save_draft(workflow)

    for address in (
        "/",
        "/admin/workflows/workflow/",
        f"/admin/workflows/workflow/{workflow.pk}/change/",
        f"/deployments/{deployment.pk}/",
        f"/workflows/{workflow.pk}/deploy/",
    ):
        answer = admin_client.get(address)
        assert 'name="version" value="2"' in markup(answer), address
        assert "Deploy v2" in text(answer), address


def test_a_version_that_is_no_longer_the_newest_is_not_deployed(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.entry_code = "// saved by someone else"
    save_draft(workflow)

    page = refused(admin_client, workflow.pk, version="1")

    assert "Nothing was deployed v1 is not the newest version: the workflow has v2 now." in page
    press(admin_client, workflow.pk, version="2")
    assert Deployment.objects.get().version_number == 2


@pytest.mark.parametrize("field", ["version", "save_as"])
def test_a_version_that_is_not_a_number_is_not_deployed(admin_client: Client, field: str) -> None:
    workflow = changed_workflow()
    answer = admin_client.post(f"/workflows/{workflow.pk}/deploy/", {field: "newest"})
    assert answer.status_code == 404
    assert not Deployment.objects.exists()
    assert workflow.versions.count() == 1


def changed_workflow(code: str = "return 2;") -> Workflow:
    """A workflow whose draft differs from v1."""
    workflow = make_workflow()
    workflow.ir["nodes"][0]["data"]["code"] = code
    workflow.save()
    return workflow


def test_the_button_of_a_changed_draft_saves_and_deploys_it(admin_client: Client) -> None:
    workflow = changed_workflow()
    page = markup(admin_client.get(f"/workflows/{workflow.pk}/versions/"))
    assert 'name="save_as" value="2">Save and deploy v2</button>' in page

    press(admin_client, workflow.pk, save_as="2", note=" Twice\r\nas much ")

    deployment = Deployment.objects.get()
    assert deployment.version_number == 2
    assert workflow.newest_version.note == "Twice\nas much"
    assert deployment.ir == workflow.versions.get(number=2).ir == workflow.ir


def test_a_draft_with_errors_is_neither_saved_nor_deployed(admin_client: Client) -> None:
    workflow = changed_workflow(code="")

    where = press(admin_client, workflow.pk, save_as="2", note="Why &\nhow")

    assert where.startswith(workflow.get_absolute_url())
    page, again = admin_client.get(where), admin_client.get(where)
    assert "Nothing was saved or deployed" in text(page)
    assert 'id="deploy-note" rows="3" maxlength="1000">Why &amp; how</textarea>' in markup(page)
    assert "how</textarea>" not in markup(again)
    assert workflow.versions.count() == 1
    assert not Deployment.objects.exists()


def test_a_draft_with_a_note_that_is_too_long_is_neither_saved_nor_deployed(
    admin_client: Client,
) -> None:
    workflow = changed_workflow()

    where = press(admin_client, workflow.pk, save_as="2", note="x" * 1001)

    page = admin_client.get(where)
    assert "A note can have at most 1,000 characters" in text(page)
    assert f"{'x' * 1001}</textarea>" in markup(page)
    assert workflow.versions.count() == 1
    assert not Deployment.objects.exists()


def test_a_draft_that_would_get_a_different_version_number_is_not_deployed(
    admin_client: Client,
) -> None:
    workflow = changed_workflow()
    save_draft(workflow)
    workflow.ir["nodes"][0]["data"]["code"] = "return 3;"
    workflow.save()

    answer = admin_client.post(f"/workflows/{workflow.pk}/deploy/", {"save_as": "2"})

    assert "v2 is not the newest version" in text(answer)
    assert not Deployment.objects.exists()


def test_a_user_who_cannot_change_workflows_can_only_deploy_versions(log_in: LogIn) -> None:
    workflow = changed_workflow()
    client = log_in("deployments.add_deployment", "workflows.view_workflow")

    answer = client.post(f"/workflows/{workflow.pk}/deploy/", {"save_as": "2"})

    assert answer.status_code == 403
    assert workflow.versions.count() == 1
    page = markup(client.get(f"/workflows/{workflow.pk}/versions/"))
    assert "Save and deploy" not in page
