"""Actions on deployments and live Workers: cancel, roll back, retry, delete secrets, take down."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from audit import trail
from audit.trail import SYSTEM, Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.stages import UNFINISHED, Action, Status
from deployments.queue import transitions
from deployments.queue.enqueue import Busy, lock_queue
from deployments.services.deploy import (
    enqueue_and_record,
    subject_of,
    target_and_workflow,
    with_requester,
)
from targets import policy
from targets.models import Target
from targets.policy import Consent, Refused
from workflows.models import Workflow

_NO_CONSENT = Consent()


def cancel(deployment: Deployment, *, by: Actor = SYSTEM, as_name: str = "") -> Status:
    """Cancel a deployment and return its status; a running one ends within seconds.

    Cancelling again, or after the end, changes nothing. `as_name` replaces the name shown on the
    deployment.
    """
    with transaction.atomic():
        transitions.lock(deployment.pk)
        deployment.refresh_from_db(fields=["status", "cancel_requested_at"])
        if not deployment.is_final and not deployment.cancel_requested_at:
            trail.record("deployment cancelled", subject_of(deployment), by=by)
            if not transitions.cancel_waiting(deployment.pk, by=as_name or by.name):
                transitions.request_cancel(deployment.pk, by=as_name or by.name)
            deployment.refresh_from_db(fields=["status", "cancel_requested_at"])
    return deployment.state


def roll_back(
    to: Deployment,
    *,
    by: Actor = SYSTEM,
    reason: str = "",
    consent: Consent = _NO_CONSENT,
) -> Deployment:
    """Enqueue a rollback to an earlier deployment, cancelling what is queued or running.

    Raises Refused if the deployment has no version, or the target's rules forbid it.
    """
    if not to.can_be_rolled_back_to:
        raise Refused(
            f"Deployment #{to.pk} did not make a version live: choose a deployment that succeeded."
        )
    target, workflow = target_and_workflow(to)
    takedown = records.taken_down_since(to)
    if takedown:
        raise Refused(
            f"The Worker and its versions were taken down by #{takedown.pk}: redeploy the snapshot "
            f"of #{to.pk} instead."
        )
    with transaction.atomic():
        policy.check(target, workflow, by=by, consent=consent)
        _cancel_conflicting(to, Action.ROLLBACK, by=by)
        return enqueue_and_record(
            lambda: with_requester(
                records.copy_of(to, Action.ROLLBACK, about=to),
                by=by,
                reason=reason,
                consent=consent,
            ),
            "rollback requested",
            by=by,
        )


def previously_live(workflow_id: str, target: Target) -> Deployment | None:
    """Return the deployment that was live before the current one, the default for a rollback."""
    live = records.live(workflow_id, target)
    earlier = records.of_worker(workflow_id, target).filter(records.went_live())
    if live:
        earlier = earlier.filter(pk__lt=live.pk).exclude(version_id__in=["", live.version_id])
    return earlier.exclude(version_id="").first()


def retry_failed(
    deployment: Deployment,
    *,
    by: Actor = SYSTEM,
    consent: Consent = _NO_CONSENT,
) -> Deployment:
    """Enqueue a retry of the failed parts of a deployment.

    Raises Refused if no part failed, or the Worker has been changed since.
    """
    target, workflow = target_and_workflow(deployment)
    if not deployment.can_retry:
        raise Refused(f"Deployment #{deployment.pk} has no failed part to retry.")
    newer = records.of_worker(deployment.workflow_public_id, target).filter(pk__gt=deployment.pk)
    later = newer.filter(records.changed_what_is_live()).first()
    if later:
        raise Refused(f"Deployment #{later.pk} has replaced it: deploy again instead.")
    return _change(
        deployment,
        Action.RETRY,
        "retry requested",
        target=target,
        workflow=workflow,
        by=by,
        consent=consent,
    )


def delete_secrets(
    workflow: Workflow,
    target: Target,
    names: Sequence[str],
    *,
    by: Actor = SYSTEM,
    consent: Consent = _NO_CONSENT,
) -> Deployment:
    """Enqueue a deletion of the Worker's secrets; raises Refused if nothing is live."""
    return _change(
        _live(workflow, target),
        Action.DELETE_SECRETS,
        "deletion of secrets requested",
        target=target,
        workflow=workflow,
        by=by,
        consent=consent,
        secret_names=sorted(names),
    )


def take_down(
    workflow: Workflow,
    target: Target,
    *,
    by: Actor = SYSTEM,
    reason: str = "",
    consent: Consent = _NO_CONSENT,
) -> Deployment:
    """Enqueue the removal of the Worker, cancelling what is queued or running. History is kept."""
    last = _to_take_down(workflow, target)
    with transaction.atomic():
        _cancel_conflicting(last, Action.TAKEDOWN, by=by)
        return _change(
            last,
            Action.TAKEDOWN,
            "takedown requested",
            target=target,
            workflow=workflow,
            by=by,
            consent=consent,
            reason=reason,
        )


def _change(
    source: Deployment,
    action: Action,
    audit_action: str,
    *,
    target: Target,
    workflow: Workflow,
    by: Actor,
    consent: Consent,
    reason: str = "",
    **fields: object,
) -> Deployment:
    def make() -> Deployment:
        policy.check(target, workflow, by=by, consent=consent)
        changed = records.copy_of(source, action, about=source, **fields)
        return with_requester(changed, by=by, reason=reason, consent=consent)

    return enqueue_and_record(make, audit_action, by=by)


def _live(workflow: Workflow, target: Target) -> Deployment:
    live = records.live(workflow.pk, target)
    if live is None:
        raise Refused(f"{workflow.name} is not deployed to {target.name}.")
    return live


def _to_take_down(workflow: Workflow, target: Target) -> Deployment:
    """Return the live deployment, or else the most recent one. Raises Refused if there is none."""
    last = records.of_worker(workflow.pk, target).first()
    if last is None:
        raise Refused(f"{workflow.name} was never deployed to {target.name}.")
    if last.work is Action.TAKEDOWN and last.state is Status.SUCCEEDED:
        raise Refused(f"{workflow.name} was already taken down from {target.name} (#{last.pk}).")
    return records.live(workflow.pk, target) or last


def _cancel_conflicting(deployment: Deployment, action: Action, *, by: Actor) -> None:
    """Cancel what is queued or running for the same Worker: an urgent action does not wait.

    Raises Busy if the Worker is already being taken down.
    """
    lock_queue(deployment)
    unfinished = records.of_worker(deployment.workflow_public_id, deployment.target_id).filter(
        status__in=UNFINISHED
    )
    for other in unfinished:
        transitions.lock(other.pk)
    for other in unfinished:
        if other.work is action is Action.TAKEDOWN:
            raise Busy(f"It is already being taken down (#{other.pk}).")
        name = f"{by.name}, for a {action.label.lower()}"
        cancel(other, by=by, as_name=name)
