"""Finding what an address of the API names, within what the caller's key is restricted to."""

from __future__ import annotations

from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT

from api.conventions.callers import Caller
from api.conventions.problems import ApiError
from targets.lookup import default_target, target_named
from targets.models import Target
from web.converters import read_key
from workflows.models import Workflow, WorkflowVersion
from workflows.services import WorkflowNotFound

LARGE = ("ir", "files", "entry_code", "dependencies", "deploy_settings", "tests")
"""The fields of drafts and versions that lists leave out."""


def workflow_for(caller: Caller, workflow_id: str) -> Workflow:
    """Return a workflow with its `current_version`. Raises WorkflowNotFound, or ApiError."""
    caller.require_workflow(workflow_id)
    workflow = Workflow.objects.annotate(current_version=_newest()).filter(pk=workflow_id).first()
    if workflow is None:
        raise WorkflowNotFound(f"There is no workflow {workflow_id!r}.")
    return workflow


def workflows_for(caller: Caller) -> QuerySet[Workflow]:
    """Return workflows for a list: with their `current_version` and `kind_name`, without documents."""
    rows = caller.within(Workflow.objects.defer(*LARGE), workflow="pk")
    return rows.annotate(current_version=_newest(), kind_name=KT("ir__kind"))


def _newest() -> Subquery:
    versions = WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")
    return Subquery(versions.values("number")[:1])


def target_for(caller: Caller, *, id_: str | None = None, name: str | None = None) -> Target:
    """Return the target with an id or a name; without both, the default one. Raises ApiError."""
    if id_:
        key = read_key(id_)
        target = Target.objects.filter(pk=key).first() if key is not None else None
        if target is None:
            raise ApiError(404, f"There is no target with the id {id_!r}.")
    else:
        target = target_named(name) if name else default_target()
    caller.require_target(target.pk)
    return target
