"""Deployments to the embedded platform, addressed like any Cloudflare account."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections

from audit.trail import Actor
from deployments.models import Deployment
from deployments.pipeline.stages import Stage
from deployments.queue import claims
from deployments.services.deploy import request_deployment
from targets.models import Target
from targets.policy import Consent
from tests.deployments.factories import make_target, make_workflow
from tests.support.patience import PATIENCE
from tests.support.platform_fixture import Platform
from workflows.models import Workflow
from workflows.services import save_draft


def account_target(platform: Platform, *, token: str = "", **fields: Any) -> Target:
    """Create a target that is not marked as embedded, so no resources are created automatically."""
    values = {
        "account_id": platform.account_id,
        "api_token": token or platform.token,
        "api_base_url": platform.api_base_url,
    }
    return make_target(**values | fields)


def workflow_with_settings(
    settings: dict[str, Any], code: str = "return 1;", **document: Any
) -> Workflow:
    """Create a workflow with deploy settings."""
    workflow = make_workflow(code, **document)
    return edit_workflow(workflow, settings=settings)


def edit_workflow(
    workflow: Workflow, *, settings: dict[str, Any] | None = None, code: str = ""
) -> Workflow:
    """Change the workflow's draft."""
    if settings is not None:
        workflow.deploy_settings = settings
    if code:
        (step,) = workflow.ir["nodes"]
        workflow.ir = {**workflow.ir, "nodes": [{**step, "data": {"code": code}}]}
    save_draft(workflow)
    return workflow


def deploy(workflow: Workflow, target: Target, **consent: Any) -> Deployment:
    """Deploy the newest version, and return the finished deployment."""
    deploy_request = request_deployment(
        workflow, target=target, by=Actor(name="tester"), consent=Consent(**consent)
    )
    return run_queue(deploy_request)


def run_queue(deployment: Deployment) -> Deployment:
    """Run everything in the queue, and return the finished deployment."""
    claims.process_queue()
    deployment.refresh_from_db()
    return deployment


@contextmanager
def background_worker() -> Iterator[None]:
    """Run everything in the queue in another thread while the body runs."""
    worker = threading.Thread(target=_perform, name="worker")
    worker.start()
    try:
        yield
    finally:
        worker.join()


def _perform() -> None:
    try:
        claims.process_queue()
    finally:
        connections.close_all()


def wait_until(condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Wait until the condition holds; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)


def has_reached(deployment: Deployment, stage: Stage) -> Callable[[], bool]:
    """Return a condition: the deployment has entered the stage."""
    return lambda: deployment.records.filter(stage=stage.value).exists()


def has_ended(deployment: Deployment) -> Callable[[], bool]:
    """Return a condition: the deployment has ended. Each call refreshes the deployment."""

    def is_final() -> bool:
        deployment.refresh_from_db()
        return deployment.is_final

    return is_final
