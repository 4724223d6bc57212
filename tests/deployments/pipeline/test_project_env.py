"""What a deploy of a project takes from its configuration, and what it requires."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deployments.pipeline import pipeline
from deployments.pipeline.config.runtime_settings import runtime_settings
from deployments.pipeline.ports import Callee, DeployRequest
from deployments.queue.request_factory import bindings_of
from targets.cloudflare.errors import DeployError
from tests.deployments.fakes import FakeTools, request, variable
from tests.deployments.pipeline.test_binding_detection import calling
from tests.deployments.shop_project import MAIN
from workflows.documents.projects.config import read_config
from workflows.ir.document.kinds import project_document
from workflows.services import Variable

BASE: dict[str, Any] = {
    "name": "shop",
    "main": "src/index.ts",
    "compatibility_date": "2025-06-01",
    "workflows": [{"name": "orders", "binding": "ORDERS", "class_name": "Orders"}],
}


def project_request(*variables: Variable, **config: Any) -> DeployRequest:
    files: Any = {"wrangler.json": json.dumps(BASE | config), "src/index.ts": MAIN}
    project = read_config(files)
    assert project.problems == ()
    return replace(
        request(),
        ir=project_document("Shop"),
        files=files,
        project=project,
        settings=project.settings,
        bindings=bindings_of(project),
        variables={each.name: each for each in variables},
    )


def deployed(deploy_request: DeployRequest) -> dict[str, Any]:
    tools = FakeTools()
    list(pipeline.run(deploy_request, tools))
    assert tools.bundle
    return dict(tools.bundle.config)


def refusal(deploy_request: DeployRequest, tools: FakeTools | None = None) -> str:
    with pytest.raises(DeployError) as refused:
        list(pipeline.run(deploy_request, tools or FakeTools()))
    (only,) = refused.value.findings
    return str(only)


def test_a_required_secret_must_be_set() -> None:
    required = {"required": ["TOKEN"]}

    assert refusal(project_request(secrets=required)) == (
        "TOKEN: wrangler.json requires the secret TOKEN: set the secret variable TOKEN."
    )
    plain = refusal(project_request(variable("TOKEN", "x"), secrets=required))
    assert "the variable TOKEN is not secret: mark it as secret" in plain
    secret = replace(variable("TOKEN", "x"), is_secret=True)
    assert deployed(project_request(secret, secrets=required))["vars"] == {}


def test_options_of_the_worker_are_merged_into_the_settings() -> None:
    config = deployed(
        project_request(
            limits={"cpu_ms": 100, "subrequests": 200},
            observability={"enabled": True, "logs": {"invocation_logs": False}},
            placement={"region": "aws:eu-central-1"},
        )
    )

    assert config["limits"] == {"cpu_ms": 100, "subrequests": 200}
    assert config["observability"] == {"enabled": True, "logs": {"invocation_logs": False}}
    assert config["placement"] == {"mode": "targeted", "region": "aws:eu-central-1"}


def test_keys_of_bindings_are_passed_on() -> None:
    config = deployed(
        project_request(
            send_email=[{"name": "MAIL", "destination_address": "a@example.com"}],
            r2_buckets=[{"binding": "FILES", "bucket_name": "files", "jurisdiction": "eu"}],
        )
    )

    assert config["send_email"] == [{"name": "MAIL", "destination_address": "a@example.com"}]
    assert config["r2_buckets"] == [
        {"binding": "FILES", "bucket_name": "files", "jurisdiction": "eu"}
    ]


def test_the_plan_compares_the_options() -> None:
    config = deployed(
        project_request(
            limits={"subrequests": 200},
            observability={"enabled": True, "logs": {"invocation_logs": False}},
            placement={"region": "aws:eu-central-1"},
        )
    )

    settings = runtime_settings(config)

    assert settings["subrequest limit"] == "200"
    assert settings["options of Workers Logs"] == '{"logs": {"invocation_logs": false}}'
    assert settings["placement"] == 'targeted {"region": "aws:eu-central-1"}'


def test_a_graph_calls_the_only_workflow_of_a_project() -> None:
    callee = Callee(
        worker="awaitstep-shop",
        is_deployed=True,
        workflow="orders",
        class_name="Orders",
        our_name="Shop",
        our_kind="project",
    )
    tools = FakeTools(callees=(replace(callee, our_name="shop"),))

    list(pipeline.run(calling(workflowId="shop"), tools))

    assert tools.bundle
    bound = {each["name"]: each for each in tools.bundle.config["workflows"]}
    assert bound["orders"]["class_name"] == "Orders"
    assert bound["orders"]["script_name"] == "awaitstep-shop"


def test_a_graph_has_to_say_which_of_several_workflows_it_calls() -> None:
    callee = Callee(
        worker="awaitstep-shop",
        is_deployed=True,
        our_name="shop",
        our_kind="project",
        classes=("Orders", "Refunds"),
    )

    message = refusal(calling(workflowId="shop"), FakeTools(callees=(callee,)))

    assert "has several Workflows, of the classes" in message
    assert "set Other Worker to awaitstep-shop, and the class of the Workflow to call" in message
