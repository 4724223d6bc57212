"""Audit entries for changes to workflows and variables; they never contain values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from django.db.models import Max

from audit import trail
from audit.models import Entry
from audit.trail import Actor, Subject
from workflows.models import EnvironmentVariable, Workflow, WorkflowVersion

VARIABLE_SET: Final = "variable set"


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


def last_set(variables: Iterable[EnvironmentVariable]) -> dict[int, Entry]:
    """Return the entry for the last time that each variable was set, by its primary key."""
    keys = {(each.workflow_id or "", each.name): each.pk for each in variables}
    entries = Entry.objects.filter(
        action=VARIABLE_SET,
        subject_kind__in=["workflow", "variable"],
        subject_id__in={workflow_id for workflow_id, _ in keys},
    ).order_by()
    newest = {
        row["newest"]: keys[row["subject_id"], row["detail__variable"]]
        for row in entries.values("subject_id", "detail__variable").annotate(newest=Max("pk"))
        if (row["subject_id"], row["detail__variable"]) in keys
    }
    return {newest[entry.pk]: entry for entry in Entry.objects.filter(pk__in=newest)}
