"""Deployments to an account: the embedded platform's, reached as any Cloudflare account is."""

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
from tests.support.platform_fixture import Platform
from workflows.models import Workflow
from workflows.services import save_draft


def account_target(platform: Platform, *, token: str = "", **fields: Any) -> Target:
    """A target that knows nothing of being embedded: nothing is made for it by itself."""
    values = {
        "account_id": platform.account_id,
        "api_token": token or platform.token,
        "api_base_url": platform.api_base_url,
    }
    return make_target(**values | fields)


def configured(settings: dict[str, Any], code: str = "return 1;", **document: Any) -> Workflow:
    """A workflow with deploy settings."""
    workflow = make_workflow(code, **document)
    return changed(workflow, settings=settings)


def changed(
    workflow: Workflow, *, settings: dict[str, Any] | None = None, code: str = ""
) -> Workflow:
    """Give the workflow another draft."""
    if settings is not None:
        workflow.deploy_settings = settings
    if code:
        (step,) = workflow.ir["nodes"]
        workflow.ir = {**workflow.ir, "nodes": [{**step, "data": {"code": code}}]}
    save_draft(workflow)
    return workflow


def deploy(workflow: Workflow, target: Target, **consent: Any) -> Deployment:
    """Deploy the newest version and return how it ended."""
    asked = request_deployment(
        workflow, target=target, by=Actor(name="tester"), consent=Consent(**consent)
    )
    return performed(asked)


def performed(deployment: Deployment) -> Deployment:
    """Perform what waits, and return how this one ended."""
    claims.process_queue()
    deployment.refresh_from_db()
    return deployment


@contextmanager
def performing() -> Iterator[None]:
    """Have another thread perform what waits while the body runs, and wait for its end."""
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


def until(holds: Callable[[], bool], *, seconds: float = 20) -> None:
    """Return as soon as it holds; fails where it does not within this time."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def reached(deployment: Deployment, stage: Stage) -> Callable[[], bool]:
    """Whether the deployment has entered the stage."""
    return lambda: deployment.records.filter(stage=stage.value).exists()


def ended(deployment: Deployment) -> Callable[[], bool]:
    def has_ended() -> bool:
        deployment.refresh_from_db()
        return deployment.is_final

    return has_ended
