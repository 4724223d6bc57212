"""Audit entries for changes to workflows and variables; they never contain values."""

from __future__ import annotations

from typing import Any

from audit import trail
from audit.trail import Actor, Subject
from workflows.models import EnvironmentVariable, Workflow, WorkflowVersion


def record_workflow(action: str, workflow: Workflow, *, by: Actor, **detail: Any) -> None:
    """Record an action on a workflow; `detail` must not contain secret values."""
    trail.record(action, Subject("workflow", workflow.pk, workflow.name), by=by, **detail)


def record_version(action: str, version: WorkflowVersion, *, by: Actor, **detail: Any) -> None:
    """Record an action on a version; the entry is about its workflow."""
    record_workflow(action, version.workflow, by=by, version=version.number, **detail)


def record_variable(action: str, variable: EnvironmentVariable, *, by: Actor) -> None:
    """Record an action on a variable; the entry of a workflow's variable is about the workflow."""
    detail: dict[str, Any] = {"variable": variable.name, "secret": variable.is_secret}
    if variable.workflow:
        record_workflow(action, variable.workflow, by=by, **detail)
        return
    trail.record(action, Subject("variable", name=variable.name), by=by, **detail)
