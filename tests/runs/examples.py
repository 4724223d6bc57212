"""Examples of indexed runs, and of runs in the format of Cloudflare's API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.models import Deployment
from runs.models import Run
from tests.deployments.factories import make_deployment, make_target
from workflows.models import Workflow

START = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def attempted_step(
    *ends: tuple[float, float, bool | None], name: str = "charge-1", **more: Any
) -> Any:
    """A step with these attempts, given as start, end and success."""
    attempts = [
        {
            "start": at(start),
            "end": None if success is None else at(end),
            "success": success,
            "error": None if success is not False else {"name": "Error", "message": "busy"},
        }
        for start, end, success in ends
    ]
    success = ends[-1][2] or None
    end = at(ends[-1][1]) if success else None
    step = {"name": name, "type": "step", "start": at(ends[0][0]), "end": end, "success": success}
    return {**step, "output": None, "attempts": attempts, "config": {}, **more}


def waiting_step(
    kind: str = "waitForEvent", *, start: float = 0, end: float = 60, **more: Any
) -> Any:
    step = {"name": f"{kind}-1", "type": kind, "start": at(start), "end": at(end)}
    return {**step, "finished": False, "error": None, "event_type": "go", **more}


def live_deployment(**fields: Any) -> Deployment:
    values = {"status": "succeeded", "stage": "COMPLETED", "version_id": "v-one"}
    return make_deployment(**{**values, "target": make_target(), **fields})


def make_run(deployment: Deployment | None = None, **fields: Any) -> Run:
    """A run of a live workflow on a target that does not respond."""
    deployment = deployment or live_deployment()
    values = {
        "target": deployment.target,
        "workflow": deployment.workflow,
        "workflow_name": deployment.worker_name,
        "instance_id": f"run-{Run.objects.count()}",
        "status": "running",
        "trigger": "api",
        "deployment": deployment,
        "created_at": START,
        "started_at": START,
    }
    return Run.objects.create(**values | fields)


def workflow_of(run: Run) -> Workflow:
    assert run.workflow
    return run.workflow
