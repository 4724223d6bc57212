"""The settings of a project's Workflows come from its configuration, and are planned and watched like others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from deployments import drift
from deployments.models import DriftState
from deployments.pipeline.stages import Status
from deployments.services import plan as forecast
from targets.cloudflare.errors import Cause
from tests.support.platform_fixture import Platform
from tests.targets.cloudflare.accounts import account_target, deploy
from workflows.documents.projects.files import ProjectFiles
from workflows.projects import import_project

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

NAME = "settled-reports"
CODE = """
import { WorkflowEntrypoint } from "cloudflare:workers";
export class Reports extends WorkflowEntrypoint {
  async run() {}
}
export default { fetch: () => new Response("") };
"""
SETTINGS: dict[str, Any] = {
    "limits": {"steps": 30},
    "concurrency": {"limit": 4},
    "default_retention": {"success_retention": "3 days"},
    "schedules": "0  8 * * *",
    "jurisdiction": "eu",
}


def project(**settings: Any) -> ProjectFiles:
    workflow = {"name": NAME, "binding": "REPORTS", "class_name": "Reports", **settings}
    config = {"name": "reports", "main": "index.ts", "compatibility_date": "2026-11-01"}
    return {"index.ts": CODE, "wrangler.jsonc": json.dumps({**config, "workflows": [workflow]})}


def test_the_settings_of_a_projects_workflow_are_deployed_and_compared(platform: Platform) -> None:
    target, workflow = account_target(platform), import_project(project(**SETTINGS))

    deployment = deploy(workflow, target)

    assert deployment.state is Status.SUCCEEDED, deployment.message
    hosted = platform.api("GET", f"workflows/{NAME}").json()["result"]
    assert hosted["default_retention"] == {"success_retention": 3 * 86_400_000}
    assert (hosted["limits"], hosted["jurisdiction"]) == ({"steps": 30}, "eu")
    assert forecast.plan(workflow, target).changes == ()
    assert drift.check(workflow, target).state == DriftState.SAME
    import_project(project(jurisdiction="us"), into=workflow)
    refused = deploy(workflow, target)
    assert refused.cause == Cause.JURISDICTION
    assert f"The Workflow {NAME} has the jurisdiction eu" in refused.message
