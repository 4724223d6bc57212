"""The links that stand beside the advice: where a deployment that did not succeed is mended."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import reverse

from deployments import next_steps, presentation
from deployments.errors import Cause
from deployments.models import Deployment
from deployments.next_steps import Link


def links(deployment: Deployment) -> list[Link]:
    """Return the places that the advice is about: the next step first."""
    if presentation.advice(deployment).place == "live":
        return _live(deployment)
    return next_steps.links(deployment)


def _live(deployment: Deployment) -> list[Link]:
    """Where somebody else changed what is live: it is looked at first, and overwritten on purpose."""
    if not deployment.workflow_id or not deployment.target_id:
        return []
    seen = Link("See what is live", live_url(deployment.workflow_id, deployment.target_id))
    if deployment.cause != Cause.CHANGED:
        return [seen]
    dialog = dialog_url(deployment.workflow_id, deployment.target_id, overwrite=True)
    return [seen, Link("Deploy and overwrite", dialog)]


def live_url(workflow_id: str, target_id: int) -> str:
    url = reverse("deployments:live", args=[workflow_id])
    return f"{url}?{urlencode({'target': target_id})}"


def dialog_url(workflow_id: str, target_id: int | None = None, *, overwrite: bool = False) -> str:
    """The page that shows what a deploy would meet and change, and deploys."""
    asked: dict[str, int] = {"target": target_id} if target_id else {}
    asked |= {"overwrite": 1} if overwrite else {}
    url = reverse("deployments:deploy", args=[workflow_id])
    return f"{url}?{urlencode(asked)}" if asked else url
