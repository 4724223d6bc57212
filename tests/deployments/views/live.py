"""Live workflows in the record, for the tests of the pages."""

from __future__ import annotations

import json
from typing import Any

from django.utils import timezone

from deployments.models import Deployment, DriftCheck, DriftState
from targets.lookup import embedded_target
from targets.models import Target
from tests.deployments.factories import make_deployment
from workflows.models import Workflow

CONFIG = {
    "workflows": [{"name": "awaitstep-x", "class_name": "Flow", "binding": "WORKFLOW"}],
    "routes": [
        {"pattern": "api.example.com/orders/*", "zone_name": "example.com"},
        {"pattern": "*.example.com/*", "zone_name": "example.com"},
        {"pattern": "shop.example.com", "custom_domain": True},
    ],
    "triggers": {"crons": ["0 8 * * *"]},
    "queues": {"consumers": [{"queue": "jobs"}]},
}


def address(workflow: Workflow, more: str = "", target: Target | None = None) -> str:
    query = f"?target={target.pk}" if target else ""
    return f"/workflows/{workflow.pk}/live/{more}{query}"


def live(workflow: Workflow | None = None, **fields: Any) -> tuple[Workflow, Deployment]:
    """Create a workflow and a deployment that made it live."""
    values: dict[str, Any] = {
        "status": "succeeded",
        "version_id": "v-1",
        "worker_url": "http://w.localhost:1",
        "wrangler_json": json.dumps(CONFIG),
        "finished_at": timezone.now(),
    }
    made = make_deployment(workflow=workflow, **values | fields)
    assert made.workflow
    return made.workflow, made


def drifted(workflow: Workflow, state: DriftState = DriftState.DRIFTED) -> DriftCheck:
    return DriftCheck.objects.create(
        workflow=workflow,
        target=embedded_target(),
        state=state,
        differences=["Route a.example.com/* is missing; it should be in zone example.com."],
        live_version="v-2",
        checked_at=timezone.now(),
    )
