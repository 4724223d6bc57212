"""Custom node types in a deployment: their secrets, their packages, and what is kept of them."""

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


def asked(value: dict[str, Any], *variables: Variable, template: str = TEMPLATE) -> DeployRequest:
    """A deployment of a workflow of one node of the type."""
    snapshot = {"definition": value, "template": template}
    drawn = chain(node("hello", "greet", name="Say hello"), trigger={"type": "manual"})
    return replace(request("", *variables), ir=drawn, node_types=[snapshot])


def facts(asked: DeployRequest, tools: FakeTools | None = None) -> dict[str, Any]:
    """Return all that becomes known while the deployment goes well."""
    stages = list(pipeline.run(asked, tools or FakeTools()))
    return {name: value for progress in stages for name, value in progress.facts.items()}


def loaded(value: dict[str, Any], template: str = TEMPLATE) -> NodeType:
    names = {"type_id": value["id"], "version": value["version"], "name": value["name"]}
    return NodeType.objects.create(**names, definition=value, template=template)


def workflow() -> Workflow:
    return import_document(chain(node("hello", "greet"), trigger={"type": "manual"}))


def test_a_missing_secret_fails_where_bindings_are_detected() -> None:
    stage, message = last_of(asked(with_fields(key=KEY)), FakeTools())

    assert stage is Stage.DETECTING_BINDINGS
    assert "Say hello (hello): The node needs a secret: set the secret variable API_KEY." in message


def test_what_a_template_reads_of_env_is_missed_like_any_codes() -> None:
    template = "export default async (ctx) => ctx.env.REGION;"

    stage, message = last_of(asked(node_json(), template=template), FakeTools())

    assert stage is Stage.DETECTING_BINDINGS
    assert "Say hello (hello): The code uses env.REGION: set the variable REGION" in message


def test_the_variable_of_a_secret_is_a_secret_whatever_its_own_mark() -> None:
    known = facts(asked(with_fields(key=KEY), variable("API_KEY", SENTINEL)), tools := FakeTools())

    assert tools.bundle
    assert tools.bundle.secrets == {"API_KEY": SENTINEL}
    assert (known["variables"], known["secret_names"]) == ({}, ["API_KEY"])
    assert SENTINEL not in str(known)


def test_a_global_secret_reaches_the_worker_that_uses_it() -> None:
    secret = replace(variable("API_KEY", SENTINEL, is_secret=True), origin="global")

    facts(asked(with_fields(key=KEY), secret), tools := FakeTools())

    assert tools.bundle
    assert tools.bundle.secrets == {"API_KEY": SENTINEL}


def test_the_packages_of_a_type_are_bundled() -> None:
    facts(asked(node_json(dependencies={"zod": "4.1.0"})), tools := FakeTools())

    assert tools.bundle
    assert tools.bundle.dependencies == {"zod": "4.1.0"}
    assert tools.bundle.config["no_bundle"] is False


def test_a_type_that_the_snapshot_does_not_hold_is_a_problem_of_its_node() -> None:
    with pytest.raises(DeployError, match='"greet" is not a node type'):
        list(pipeline.run(replace(asked(node_json()), node_types=()), FakeTools()))


@pytest.mark.django_db
def test_a_deployment_keeps_the_types_that_its_document_uses() -> None:
    mine = loaded(with_fields(key=KEY))
    loaded(node_json("other"))
    loaded(node_json(version="2.0.0"))

    deployment = request_deployment(workflow())

    kept = Deployment.objects.get(pk=deployment.pk).node_types
    assert kept == [{"definition": mine.definition, "template": TEMPLATE}]


@pytest.mark.django_db
def test_no_later_change_of_a_type_reaches_a_deployment() -> None:
    loaded(node_json(), "export default async () => 'as it was';")
    deployment = request_deployment(workflow())
    NodeType.objects.update(template="export default async () => 'changed';")

    known = facts(deploy_request(deployment))

    assert "as it was" in known["source"]
    NodeType.objects.all().delete()
    assert "as it was" in facts(deploy_request(deployment))["source"]


def test_the_record_names_the_types(admin_client: Client) -> None:
    loaded(node_json())
    deployment = request_deployment(workflow())

    record = text(admin_client.get(f"/deployments/{deployment.pk}/snapshot/"))

    assert "Node types greet 1.0.0" in record


@pytest.mark.django_db
def test_no_part_of_a_deployments_record_holds_a_secret() -> None:
    loaded(with_fields(key=KEY))
    made = workflow()
    set_variable("API_KEY", SENTINEL, workflow=made, is_secret=True)

    deployment = request_deployment(made)
    known = facts(deploy_request(deployment))

    row = Deployment.objects.filter(pk=deployment.pk).values().get()
    assert SENTINEL not in str(row) + str(known)
