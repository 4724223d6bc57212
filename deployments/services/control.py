"""What can be done with deployments and with a Worker that is there: one function per action."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from audit import trail
from audit.trail import SYSTEM, Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.pipeline.stages import UNFINISHED, Action, Status
from deployments.queue import transitions
from deployments.queue.enqueue import Busy
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
    """End a deployment: in the queue at once, a running one within seconds.

    Returns the status then. Asked twice, or after the end, it changes nothing. `as_name` is what
    the deployment says of who it was, where that is more than a name.
    """
    with transaction.atomic():
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
    """Put an earlier deployment's version live again; it wins over what waits or runs.

    Raises Refused where the deployment left no version, or the target's rules forbid it.
    """
    if not to.can_be_rolled_back_to:
        raise Refused(
            f"Deployment #{to.pk} has put no version live that could be put back: choose one that "
            "succeeded."
        )
    target, workflow = target_and_workflow(to)
    gone = records.taken_down_since(to)
    if gone:
        raise Refused(
            f"The Worker was taken down since (#{gone.pk}), and its versions with it: deploy the "
            f"snapshot of #{to.pk} anew instead."
        )
    with transaction.atomic():
        policy.check(target, workflow, by=by, consent=consent)
        _make_way(to, Action.ROLLBACK, by=by)
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
    """Return what was live before what is live now, which a rollback without a name goes to."""
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
    """Try again the parts that a deployment could not put, and no others.

    Raises Refused where none failed, or something newer has been tried since.
    """
    target, workflow = target_and_workflow(deployment)
    if not deployment.can_retry:
        raise Refused(f"Deployment #{deployment.pk} has no failed part to try again.")
    newer = records.of_worker(deployment.workflow_public_id, target).filter(pk__gt=deployment.pk)
    later = newer.filter(records.changed_what_is_live()).first()
    if later:
        raise Refused(f"Deployment #{later.pk} has taken its place since: deploy again instead.")
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
    """Delete secrets that the Worker has at the target; raises Refused where nothing is live."""
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
    """Remove the Worker from the target; history stays. It wins over what waits or runs."""
    last = _to_take_down(workflow, target)
    with transaction.atomic():
        _make_way(last, Action.TAKEDOWN, by=by)
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
    about: Deployment,
    action: Action,
    told: str,
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
        changed = records.copy_of(about, action, about=about, **fields)
        return with_requester(changed, by=by, reason=reason, consent=consent)

    return enqueue_and_record(make, told, by=by)


def _live(workflow: Workflow, target: Target) -> Deployment:
    found = records.live(workflow.pk, target)
    if found is None:
        raise Refused(f"{workflow.name} is not deployed to {target.name}.")
    return found


def _to_take_down(workflow: Workflow, target: Target) -> Deployment:
    """Return what is live or was tried last; raises Refused where there is nothing to remove."""
    last = records.of_worker(workflow.pk, target).first()
    if last is None:
        raise Refused(f"{workflow.name} was never deployed to {target.name}.")
    if last.work is Action.TAKEDOWN and last.state is Status.SUCCEEDED:
        raise Refused(f"{workflow.name} was taken down from {target.name} already (#{last.pk}).")
    return records.live(workflow.pk, target) or last


def _make_way(deployment: Deployment, action: Action, *, by: Actor) -> None:
    """Cancel what waits or runs for the same Worker: an urgent change does not wait for it.

    Raises Busy where the same takedown is under way.
    """
    in_the_way = records.of_worker(deployment.workflow_public_id, deployment.target_id).filter(
        status__in=UNFINISHED
    )
    for one in in_the_way:
        if one.work is action is Action.TAKEDOWN:
            raise Busy(f"It is being taken down already (#{one.pk}).")
        name = f"{by.name}, for a {action.label.lower()}"
        cancel(one, by=by, as_name=name)
