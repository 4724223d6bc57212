"""The Deploy button."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings

from awaitstep_site.env import Environment
from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.pages.pages import text


def press(client: Client, workflow: str, **form: str) -> str:
    """Press Deploy and return where it leads to."""
    answer = client.post(f"/workflows/{workflow}/deploy/", form)
    assert answer.status_code == 302
    return str(answer["Location"])


def test_it_leads_to_the_new_deployments_page(admin_client: Client) -> None:
    where = press(admin_client, make_workflow().pk)

    deployment = Deployment.objects.get()
    assert where == f"/deployments/{deployment.pk}/"
    assert (deployment.status, deployment.requested_by_name) == ("queued", "admin")
    assert deployment.target_name == "local"


def test_it_deploys_to_the_target_that_was_named(admin_client: Client) -> None:
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


def test_a_refusal_is_a_message_on_the_dashboard(admin_client: Client, settings: Settings) -> None:
    workflow = make_workflow()
    settings.AWAITSTEP = Environment(local_cloudflare=False)

    where = press(admin_client, workflow.pk)

    page = text(admin_client.get(where))
    assert "was not deployed. There is no default target." in page
    assert "There is nowhere to deploy to." in page


def test_a_workflow_without_a_version_is_refused_in_words(admin_client: Client) -> None:
    workflow = make_workflow()
    workflow.versions.all().delete()

    where = press(admin_client, workflow.pk)

    assert "has no version to deploy" in text(admin_client.get(where))


def test_it_is_not_pressed_by_a_link(admin_client: Client) -> None:
    assert admin_client.get(f"/workflows/{make_workflow().pk}/deploy/").status_code == 405
