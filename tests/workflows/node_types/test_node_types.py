"""Custom node types in a deployment: secrets, packages, and the copy that is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from deployments.models import Deployment
from deployments.pipeline import pipeline
from deployments.pipeline.ports import DeployRequest
from deployments.pipeline.stages import Stage
from deployments.queue.request_factory import deploy_request
from deployments.services.deploy import request_deployment
from targets.cloudflare.errors import DeployError
from tests.deployments.fakes import FakeTools, request, variable
from tests.deployments.pipeline.test_pipeline import last_of
from tests.support.page_text import text
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import TEMPLATE, node_json, with_fields
from workflows.models import NodeType, Workflow
from workflows.services import Variable, import_document, set_variable

KEY = {"type": "secret", "envVarName": "API_KEY", "required": True}
SENTINEL = "sentinel-91c2e8d64b05"


def deploy_request_with(
    value: dict[str, Any], *variables: Variable, template: str = TEMPLATE
) -> DeployRequest:
    """Return the request to deploy a workflow with one node of the type."""
    snapshot = {"definition": value, "template": template}
    document = chain(node("hello", "greet", name="Say hello"), trigger={"type": "manual"})
    return replace(request("", *variables), ir=document, node_types=[snapshot])


def facts(request: DeployRequest, tools: FakeTools | None = None) -> dict[str, Any]:
    """Return the facts that a successful deployment reports."""
    stages = list(pipeline.run(request, tools or FakeTools()))
    return {name: value for progress in stages for name, value in progress.facts.items()}


def loaded(value: dict[str, Any], template: str = TEMPLATE) -> NodeType:
    names = {"type_id": value["id"], "version": value["version"], "name": value["name"]}
    return NodeType.objects.create(**names, definition=value, template=template)


def workflow() -> Workflow:
    return import_document(chain(node("hello", "greet"), trigger={"type": "manual"}))


def test_a_missing_secret_fails_the_detection_of_bindings() -> None:
    stage, message = last_of(deploy_request_with(with_fields(key=KEY)), FakeTools())

    assert stage is Stage.DETECTING_BINDINGS
    assert "Say hello (hello): The node needs a secret: set the secret variable API_KEY." in message


def test_a_variable_that_a_template_reads_must_be_set() -> None:
    template = "export default async (ctx) => ctx.env.REGION;"

    stage, message = last_of(deploy_request_with(node_json(), template=template), FakeTools())

    assert stage is Stage.DETECTING_BINDINGS
    assert "Say hello (hello): The code uses env.REGION: set the variable REGION" in message


def test_the_variable_of_a_secret_setting_is_always_a_secret() -> None:
    reported = facts(
        deploy_request_with(with_fields(key=KEY), variable("API_KEY", SENTINEL)),
        tools := FakeTools(),
    )

    assert tools.bundle
    assert tools.bundle.secrets == {"API_KEY": SENTINEL}
    assert (reported["variables"], reported["secret_names"]) == ({}, ["API_KEY"])
    assert SENTINEL not in str(reported)


def test_a_global_secret_is_sent_to_a_worker_that_uses_it() -> None:
    secret = replace(variable("API_KEY", SENTINEL, is_secret=True), origin="global")

    facts(deploy_request_with(with_fields(key=KEY), secret), tools := FakeTools())

    assert tools.bundle
    assert tools.bundle.secrets == {"API_KEY": SENTINEL}


def test_the_packages_of_a_type_are_bundled() -> None:
    facts(deploy_request_with(node_json(dependencies={"zod": "4.1.0"})), tools := FakeTools())

    assert tools.bundle
    assert tools.bundle.dependencies == {"zod": "4.1.0"}


def test_a_type_missing_from_the_snapshot_is_a_problem_of_its_node() -> None:
    with pytest.raises(DeployError, match='"greet" is not a node type'):
        list(pipeline.run(replace(deploy_request_with(node_json()), node_types=()), FakeTools()))


@pytest.mark.django_db
def test_a_deployment_stores_the_types_that_its_document_uses() -> None:
    node_type = loaded(with_fields(key=KEY))
    loaded(node_json("other"))
    loaded(node_json(version="2.0.0"))

    deployment = request_deployment(workflow())

    stored = Deployment.objects.get(pk=deployment.pk).node_types
    assert stored == [{"definition": node_type.definition, "template": TEMPLATE}]


@pytest.mark.django_db
def test_a_later_change_of_a_type_does_not_affect_a_deployment() -> None:
    loaded(node_json(), "export default async () => 'as it was';")
    deployment = request_deployment(workflow())
    NodeType.objects.update(template="export default async () => 'changed';")

    reported = facts(deploy_request(deployment))

    assert "as it was" in reported["source"]
    NodeType.objects.all().delete()
    assert "as it was" in facts(deploy_request(deployment))["source"]


def test_the_snapshot_page_lists_the_types(admin_client: Client) -> None:
    loaded(node_json())
    deployment = request_deployment(workflow())

    record = text(admin_client.get(f"/deployments/{deployment.pk}/snapshot/"))

    assert "Node types greet 1.0.0" in record


@pytest.mark.django_db
def test_a_deployment_stores_no_secret() -> None:
    loaded(with_fields(key=KEY))
    saved = workflow()
    set_variable("API_KEY", SENTINEL, workflow=saved, is_secret=True)

    deployment = request_deployment(saved)
    reported = facts(deploy_request(deployment))

    row = Deployment.objects.filter(pk=deployment.pk).values().get()
    assert SENTINEL not in str(row) + str(reported)
