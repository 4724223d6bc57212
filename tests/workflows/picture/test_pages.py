"""Pictures on the pages of a workflow and of a deployment."""

from __future__ import annotations

from django.test import Client

from bench.graphs import chain
from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.page_text import text
from tests.support.work import counted
from workflows.models import Workflow
from workflows.picture.drawing import INVALID, picture_of


def page(client: Client, workflow: Workflow) -> str:
    return client.get(f"/admin/workflows/workflow/{workflow.pk}/change/?form").content.decode()


def tab(client: Client, deployment: Deployment) -> str:
    return client.get(f"/deployments/{deployment.pk}/picture/").content.decode()


def test_the_workflow_page_draws_the_draft_with_links_to_its_nodes(admin_client: Client) -> None:
    shown = page(admin_client, make_workflow())

    assert '<svg xmlns="http://www.w3.org/2000/svg" class="pic" role="group"' in shown
    assert 'href="#node=only" tabindex="-1"' in shown
    assert '<a href="#node=only"><bdi>Only step</bdi></a>' in shown


def test_the_workflow_page_marks_nodes_that_would_fail_a_deploy(
    admin_client: Client,
) -> None:
    shown = page(admin_client, make_workflow("return (;"))

    assert "pic-problem" in shown
    assert "Problem</span>" in shown


def test_an_invalid_draft_has_a_message_instead_of_a_picture(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(ir={"nodes": []})

    answer = admin_client.get(f"/admin/workflows/workflow/{workflow.pk}/change/?form")

    assert INVALID in text(answer)


def test_a_new_workflow_has_no_picture(admin_client: Client) -> None:
    shown = admin_client.get("/admin/workflows/workflow/add/").content.decode()

    assert "data-picture" not in shown


def test_a_deployment_has_a_tab_with_the_deployed_version(admin_client: Client) -> None:
    deployment = make_deployment()
    assert deployment.workflow
    shown = tab(admin_client, deployment)

    url = f"/admin/workflows/workflow/{deployment.workflow.pk}/change/?node=only"
    assert f'href="{url}" tabindex="-1"' in shown
    assert '<a href="/deployments/' in shown
    assert "in the version of this deployment: 1" in shown


def test_the_nodes_with_problems_of_a_deployment_are_marked(admin_client: Client) -> None:
    problem = {"node_id": "only", "message": "no", "path": "nodes.only.data.code"}
    shown = tab(admin_client, make_deployment(problems=[problem], status="failed"))

    assert "pic-node pic-problem" in shown
    assert "The problems that the deployment found are marked." in shown


def test_the_nodes_with_warnings_of_a_deployment_are_marked(admin_client: Client) -> None:
    warning = {"node_id": "only", "message": "hm", "path": "nodes.only.data.code"}

    assert "pic-node pic-warning" in tab(admin_client, make_deployment(warnings=[warning]))


def test_the_picture_of_a_deleted_workflow_has_no_links(
    admin_client: Client,
) -> None:
    deployment = make_deployment()
    assert deployment.workflow
    deployment.workflow.delete()

    shown = tab(admin_client, deployment)

    assert "data-picture" in shown
    assert "#node=" not in shown


def test_a_stored_document_that_is_no_longer_valid_has_a_message(admin_client: Client) -> None:
    assert INVALID in tab(admin_client, make_deployment(ir={"nodes": "none"}))


def test_200_nodes_are_drawn_in_linear_time() -> None:
    _, few = counted(lambda: picture_of(chain(50)))
    _, many = counted(lambda: picture_of(chain(200)))

    assert many < 5 * few
