"""What can be done with a deployment in the state it is in, by somebody with these permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import CANCEL, DEPLOY, ROLL_BACK
from deployments.pipeline.stages import PUTS_CODE, Action, Status
from deployments.presentation import remediation_links
from deployments.services import deploy
from targets.cloudflare.errors import Cause

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def available_actions(
    item: Deployment, user: User | AnonymousUser, *, newest: int
) -> dict[str, Any]:
    """Return which buttons the deployment's page has, and what has come after it.

    `newest` is the number of the workflow's newest version.
    """
    may_deploy, exists = user.has_perm(DEPLOY), bool(item.workflow_id and item.target_id)
    since = _since(item)
    can_go_back = records.can_be_rolled_back_to(item) and not since["is_live"]
    return {
        "may_cancel": not item.is_final and user.has_perm(CANCEL),
        "may_deploy": bool(item.workflow_id) and may_deploy,
        "may_roll_back": exists and can_go_back and user.has_perm(ROLL_BACK),
        "may_retry": exists
        and may_deploy
        and records.can_be_tried_again(item)
        and not since["replaced_by"],
        "may_deploy_anew": exists and may_deploy and _is_older(item, newest),
        "anew_of": item.about_id if exists and may_deploy and _needs_deploy(item) else None,
        "again": remediation_links.again(item) if _may_go_on(item, user) else None,
        **since,
    }


def _may_go_on(item: Deployment, user: User | AnonymousUser) -> bool:
    """Whether what was asked for and did not come to its end can be asked for again."""
    has_failed = item.is_final and item.state is not Status.SUCCEEDED
    permission = ROLL_BACK if item.work.is_urgent else DEPLOY
    return has_failed and not item.superseded_by_id and user.has_perm(permission)


def _is_older(item: Deployment, newest: int) -> bool:
    return item.is_final and item.work in PUTS_CODE and item.version_number != newest


def _needs_deploy(item: Deployment) -> bool:
    """Whether a deploy of its snapshot does what it could not, or lets it be done afterwards."""
    is_not_newest = item.work is Action.DELETE_SECRETS and item.cause == Cause.CHANGED
    return item.state is Status.FAILED and (item.work is Action.ROLLBACK or is_not_newest)


def _since(item: Deployment) -> dict[str, Any]:
    """What took the place of a deployment that went live, and whether its version is live now."""
    if not records.has_gone_live(item):
        return {"replaced_by": None, "live_by": None, "is_live": False}
    mine = records.of_worker(item.workflow_public_id, item.target_id)
    changed = mine.filter(records.changed_what_is_live())
    last = changed.only("version_id", "action", "version_number").first()
    is_live = last is not None and (last.pk == item.pk or _is_same(last, item))
    return {"replaced_by": deploy.replaced_by(item), "live_by": last, "is_live": is_live}


def _is_same(one: Deployment, other: Deployment) -> bool:
    return bool(one.version_id) and one.version_id == other.version_id
