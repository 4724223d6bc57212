"""Archives workflows that are live nowhere, and deletes workflows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import transaction
from django.utils import timezone

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.stages import UNFINISHED
from targets.policy import Refused
from web.transaction_locks import lock_until_commit
from workflows import audit_entries
from workflows.models import Workflow, WorkflowVersion


def unfinished_deployment(workflow: Workflow) -> Deployment | None:
    """Return a deployment of the workflow that is queued or running."""
    deployments = Deployment.objects.filter(workflow=workflow, status__in=UNFINISHED)
    return deployments.only("status").first()


def reasons_to_keep(workflows: Collection[Workflow]) -> Iterator[str]:
    """Yield why these workflows cannot be deleted."""
    for version in WorkflowVersion.objects.filter(workflow__in=workflows, locked=True):
        yield f"{version} is locked"
    for deployment in Deployment.objects.filter(workflow__in=workflows, status__in=UNFINISHED):
        yield f"{deployment} has not ended: wait for it or cancel it"


@transaction.atomic
def delete_workflow(workflow: Workflow, *, by: Actor) -> None:
    """Delete the workflow with its versions; its deployments and runs stay. Raises Refused."""
    lock_until_commit("archiving", workflow.pk)
    if reasons := list(reasons_to_keep([workflow])):
        raise Refused(f"{workflow.name} was not deleted: {reasons[0]}.")
    audit_entries.record_workflow("workflow deleted", workflow, by=by)
    workflow.delete()


@transaction.atomic
def archive(workflow: Workflow, *, by: Actor) -> None:
    """Archive the workflow: it keeps its versions and history, but cannot be changed or deployed.

    Raises Refused while it is live or being deployed: a running Worker must not be hidden from view.
    """
    lock_until_commit("archiving", workflow.pk)
    changed = Workflow.objects.filter(pk=workflow.pk, archived_at=None).update(
        archived_at=timezone.now(), archived_by=by.name
    )
    if names := ", ".join(_live_on(workflow)):
        raise Refused(f"{workflow.name} is live on {names}. Take it down first.")
    if unfinished := unfinished_deployment(workflow):
        raise Refused(f"Deployment #{unfinished.pk} has not ended. Wait for it, or cancel it.")
    if changed:
        audit_entries.record_workflow("workflow archived", workflow, by=by)
    workflow.refresh_from_db(fields=["archived_at", "archived_by"])


def _live_on(workflow: Workflow) -> list[str]:
    """Return the names of the targets on which the workflow is live; a deleted target no longer counts."""
    live = records.not_taken_down().filter(workflow_public_id=workflow.pk, target__isnull=False)
    return sorted(set(live.values_list("target__name", flat=True)))
