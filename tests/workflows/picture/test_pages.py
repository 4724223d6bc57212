"""Pictures on the pages of a workflow and of a deployment."""

from __future__ import annotations

import time

from django.test import Client

from bench.graphs import chain
from deployments.models import Deployment
from tests.deployments.factories import make_deployment, make_workflow
from tests.support.page_text import text
from workflows.models import Workflow
from workflows.picture.drawing import INVALID, picture_of


def page(client: Client, workflow: Workflow) -> str:
    return client.get(f"/admin/workflows/workflow/{workflow.pk}/change/").content.decode()


def tab(client: Client, deployment: Deployment) -> str:
    return client.get(f"/deployments/{deployment.pk}/picture/").content.decode()


def test_a_workflow_page_draws_the_draft_with_links_to_its_nodes(admin_client: Client) -> None:
    shown = page(admin_client, make_workflow())

    assert '<svg xmlns="http://www.w3.org/2000/svg" class="pic" role="img"' in shown
    assert 'href="#node=only" tabindex="-1"' in shown
    assert '<a href="#node=only"><bdi>Only step</bdi></a>' in shown


def test_a_workflow_page_marks_what_would_keep_a_deploy_from_happening(
    admin_client: Client,
) -> None:
    shown = page(admin_client, make_workflow("return (;"))

    assert "pic-problem" in shown
    assert "Problem</span>" in shown


def test_a_draft_that_is_no_document_has_a_sentence_instead(admin_client: Client) -> None:
    workflow = make_workflow()
    Workflow.objects.filter(pk=workflow.pk).update(ir={"nodes": []})

    answer = admin_client.get(f"/admin/workflows/workflow/{workflow.pk}/change/")

    assert INVALID in text(answer)


def test_a_new_workflow_has_no_picture(admin_client: Client) -> None:
    shown = admin_client.get("/admin/workflows/workflow/add/").content.decode()

    assert "data-picture" not in shown


def test_a_deployment_has_a_tab_with_what_was_deployed(admin_client: Client) -> None:
    deployment = make_deployment()
    assert deployment.workflow
    shown = tab(admin_client, deployment)

    url = f"/admin/workflows/workflow/{deployment.workflow.pk}/change/#node=only"
    assert f'href="{url}" tabindex="-1"' in shown
    assert '<a href="/deployments/' in shown
    assert "as this deployment took it: version 1" in shown


def test_the_nodes_of_its_problems_are_marked(admin_client: Client) -> None:
    problem = {"node_id": "only", "message": "no", "path": "nodes.only.data.code"}
    shown = tab(admin_client, make_deployment(problems=[problem], status="failed"))

    assert "pic-node pic-problem" in shown
    assert "Marked: what this deployment found." in shown


def test_its_warnings_are_marked_too(admin_client: Client) -> None:
    warning = {"node_id": "only", "message": "hm", "path": "nodes.only.data.code"}

    assert "pic-node pic-warning" in tab(admin_client, make_deployment(warnings=[warning]))


def test_a_deployment_whose_workflow_is_gone_keeps_its_picture_without_links(
    admin_client: Client,
) -> None:
    deployment = make_deployment()
    assert deployment.workflow
    deployment.workflow.delete()

    shown = tab(admin_client, deployment)

    assert "data-picture" in shown
    assert "#node=" not in shown


def test_a_record_that_is_no_document_of_today_has_a_sentence(admin_client: Client) -> None:
    assert INVALID in tab(admin_client, make_deployment(ir={"nodes": "none"}))


def test_200_nodes_are_drawn_in_well_under_half_a_second() -> None:
    document = chain(200)
    picture_of(document)

    began = time.process_time()
    picture_of(document)

    assert time.process_time() - began < 0.25
