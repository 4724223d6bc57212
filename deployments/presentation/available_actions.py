"""What a user can do with a deployment, by its state and the user's permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import CANCEL, DEPLOY, ROLL_BACK
from deployments.pipeline.stages import DEPLOYS_CODE, Action, Status
from deployments.presentation import remediation
from deployments.services import deploy
from targets.cloudflare.errors import Cause

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def available_actions(
    deployment: Deployment, user: User | AnonymousUser, *, newest: int
) -> dict[str, Any]:
    """Return which buttons the deployment's page has, and what has replaced the deployment.

    `newest` is the number of the workflow's newest version.
    """
    may_deploy = user.has_perm(DEPLOY)
    exists = bool(deployment.workflow_id and deployment.target_id)
    may_redeploy = exists and may_deploy
    successors = _successors(deployment)
    is_rollback_target = deployment.can_be_rolled_back_to and not successors["is_live"]
    return {
        "may_cancel": not deployment.is_final and user.has_perm(CANCEL),
        "may_deploy": bool(deployment.workflow_id) and may_deploy,
        "newer": _running_after(deployment) if deployment.is_final else None,
        "may_roll_back": exists and is_rollback_target and user.has_perm(ROLL_BACK),
        "may_retry": may_redeploy and deployment.can_retry and not successors["replaced_by"],
        "may_redeploy": may_redeploy and _is_older(deployment, newest),
        "redeploy_of": deployment.about_id if may_redeploy and _needs_deploy(deployment) else None,
        "repeat": remediation.repeat_link(deployment) if _may_repeat(deployment, user) else None,
        **successors,
    }


def _running_after(deployment: Deployment) -> Deployment | None:
    """Return a newer deployment of the workflow that is queued or running."""
    newer = Deployment.objects.filter(
        workflow_public_id=deployment.workflow_public_id, pk__gt=deployment.pk
    )
    last = newer.only("status", "stage").order_by("-pk").first()
    return last if last and not last.is_final else None


def _may_repeat(deployment: Deployment, user: User | AnonymousUser) -> bool:
    has_failed = deployment.is_final and deployment.state is not Status.SUCCEEDED
    permission = ROLL_BACK if deployment.work.is_urgent else DEPLOY
    return has_failed and not deployment.superseded_by_id and user.has_perm(permission)


def _is_older(deployment: Deployment, newest: int) -> bool:
    is_code = deployment.is_final and deployment.work in DEPLOYS_CODE
    return is_code and deployment.version_number != newest


def _needs_deploy(deployment: Deployment) -> bool:
    """Whether redeploying the snapshot does what this deployment could not, or makes it possible."""
    is_not_newest = deployment.work is Action.DELETE_SECRETS and deployment.cause == Cause.CHANGED
    can_redeploy = deployment.work is Action.ROLLBACK or is_not_newest
    return deployment.state is Status.FAILED and can_redeploy


def _successors(deployment: Deployment) -> dict[str, Any]:
    """Return what replaced a deployment that went live, and whether its version is live now."""
    if not records.has_gone_live(deployment):
        return {"replaced_by": None, "live_by": None, "is_live": False}
    same_worker = records.of_worker(deployment.workflow_public_id, deployment.target_id)
    changed = same_worker.filter(records.changed_what_is_live())
    last = changed.only("version_id", "action", "version_number").first()
    is_live = last is not None and (
        last.pk == deployment.pk or last.version_id == deployment.version_id != ""
    )
    return {"replaced_by": deploy.replaced_by(deployment), "live_by": last, "is_live": is_live}
