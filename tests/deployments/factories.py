"""Factories for database rows."""

from __future__ import annotations

from typing import Any

from deployments.models import Deployment
from targets.lookup import embedded_target
from targets.models import Target
from tests.deployments.fakes import document
from workflows.models import Workflow
from workflows.services import import_document


def make_workflow(code: str = "return 1;", **changes: Any) -> Workflow:
    return import_document(document(code) | changes)


def make_target(**fields: Any) -> Target:
    """A target other than the embedded platform, at an unreachable address."""
    values = {"name": "account", "account_id": "a" * 32, "api_token": "token-of-account"}
    return Target.objects.create(**values | {"api_base_url": "http://127.0.0.1:9"} | fields)


def make_deployment(
    *, workflow: Workflow | None = None, target: Target | None = None, **fields: Any
) -> Deployment:
    workflow = workflow or make_workflow()
    target = target or embedded_target()
    values = {
        "workflow": workflow,
        "workflow_public_id": workflow.pk,
        "workflow_name": workflow.name,
        "version_number": 1,
        "target": target,
        "target_name": target.name,
        "ir": workflow.ir,
        "class_name": workflow.class_name,
        "worker_name": f"awaitstep-{workflow.pk}",
    }
    return Deployment.objects.create(**values | fields)
