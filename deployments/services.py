"""The one door to deployments: admin, pages, API and commands all come through here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction

from deployments import tasks, transitions
from deployments.cloudflare.naming import worker_name
from deployments.models import Deployment, Target
from deployments.stages import Status
from deployments.targets import default_target
from workflows.models import Workflow
from workflows.registered import snapshot

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_TRIES = 5


def request_deployment(
    workflow: Workflow,
    *,
    target: Target | None = None,
    by: User | None = None,
    by_name: str = "",
) -> Deployment:
    """Put the workflow's newest version into the queue and return the waiting deployment.

    `by_name` says who asks where that is no user of the product: a command's operator. At most one waits for each workflow and target: one that waits already ends as superseded.
    Raises NoTarget where there is nowhere to deploy to.
    """
    target = target or default_target()
    for attempt in range(_TRIES):
        try:
            return _replace_waiting(_draft(workflow, target, by=by, by_name=by_name))
        except IntegrityError:  # somebody else's request came in between
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("unreachable")


@transaction.atomic
def _replace_waiting(deployment: Deployment) -> Deployment:
    waiting = Deployment.objects.filter(
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target,
        status=Status.QUEUED.value,
    ).first()
    if waiting:
        transitions.supersede(waiting, "A newer deployment took its place before it began.")
    deployment.save()
    if waiting:
        Deployment.objects.filter(pk=waiting.pk).update(superseded_by=deployment)
    transaction.on_commit(lambda: tasks.work.enqueue())
    return deployment


def _draft(workflow: Workflow, target: Target, *, by: User | None, by_name: str) -> Deployment:
    version = workflow.newest_version
    return Deployment(
        workflow=workflow,
        workflow_public_id=workflow.pk,
        workflow_name=workflow.name,
        version_number=version.number,
        target=target,
        target_name=target.name,
        requested_by=by,
        requested_by_name=by.get_username() if by else by_name,
        ir=version.ir,
        entry_code=version.entry_code,
        dependencies=version.dependencies,
        bindings=version.bindings,
        node_types=snapshot(version.ir),
        class_name=workflow.class_name,
        worker_name=worker_name(workflow.pk),
    )


def live_deployment(workflow_id: str) -> Deployment | None:
    """Return the newest deployment of the workflow that succeeded, which is the live one."""
    succeeded = Deployment.objects.filter(
        workflow_public_id=workflow_id, status=Status.SUCCEEDED.value
    )
    return succeeded.order_by("-pk").first()


def replaced_by(deployment: Deployment) -> Deployment | None:
    """Return the next deployment that succeeded in this one's place; None while this one is live."""
    later = Deployment.objects.filter(
        pk__gt=deployment.pk,
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target_id,
        status=Status.SUCCEEDED.value,
    )
    return later.only("version_number").order_by("pk").first()
