"""The links that stand beside the advice: where a deployment that did not succeed is mended."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.urls import reverse

from deployments.models import Deployment
from deployments.permissions import DEPLOY, ROLL_BACK, VIEW
from deployments.pipeline.stages import Action
from deployments.presentation import labels, remediation
from deployments.presentation.remediation import Link
from targets.cloudflare.errors import Cause

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def links(deployment: Deployment, user: User | AnonymousUser) -> list[Link]:
    """Return the places that the advice is about, and that this person may use: the next step first."""
    return [link for link in _links(deployment) if user.has_perms(link.needs)]


def _links(deployment: Deployment) -> list[Link]:
    place = labels.advice(deployment).place
    if place == "live":
        return _live(deployment)
    if place == "again":
        found = again(deployment)
        return [found] if found else []
    return remediation.links(deployment)


def again(deployment: Deployment) -> Link | None:
    """Where a rollback, a retry, a takedown or a deletion of secrets is asked for once more."""
    about, workflow, target = deployment.about_id, deployment.workflow_id, deployment.target_id
    if not workflow or not target:
        return None
    match deployment.work:
        case Action.ROLLBACK if about:
            url = reverse("deployments:rollback", args=[about])
            return Link(f"Roll back to #{about} again", url, (ROLL_BACK,))
        case Action.RETRY if about:
            url = reverse("deployments:deployment", args=[about])
            return Link(f"Retry what failed of #{about}", url, (DEPLOY,))
        case Action.TAKEDOWN:
            url = _at(target, "deployments:take_down", workflow)
            return Link("Take it down again", url, (ROLL_BACK,))
        case Action.DELETE_SECRETS:
            url = _at(target, "deployments:secrets", workflow)
            return Link("See which secrets are left", url, (DEPLOY,))
    return None


def _live(deployment: Deployment) -> list[Link]:
    """Where somebody else changed what is live: it is looked at first, and overwritten on purpose."""
    if not deployment.workflow_id or not deployment.target_id:
        return []
    live = live_url(deployment.workflow_id, deployment.target_id)
    seen = Link("See what is live", live, (VIEW,))
    if deployment.cause != Cause.CHANGED:
        return [seen]
    dialog = dialog_url(deployment.workflow_id, deployment.target_id, overwrite=True)
    return [seen, Link("Deploy and overwrite", dialog, (DEPLOY,))]


def live_url(workflow_id: str, target_id: int) -> str:
    return _at(target_id, "deployments:live", workflow_id)


def _at(target_id: int, name: str, workflow_id: str) -> str:
    return f"{reverse(name, args=[workflow_id])}?{urlencode({'target': target_id})}"


def dialog_url(workflow_id: str, target_id: int | None = None, *, overwrite: bool = False) -> str:
    """The page that shows what a deploy would meet and change, and deploys."""
    asked: dict[str, int] = {"target": target_id} if target_id else {}
    asked |= {"overwrite": 1} if overwrite else {}
    url = reverse("deployments:deploy", args=[workflow_id])
    return f"{url}?{urlencode(asked)}" if asked else url
