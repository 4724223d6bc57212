"""What a deployment that did not complete left at its target."""

from __future__ import annotations

import logging
from typing import Any

from deployments.models import Deployment
from deployments.stages import HAPPY_PATH, Action, Stage, Uploaded
from deployments.tools.account import Account

logger = logging.getLogger(__name__)


def what_is_live(deployment: Deployment, account: Account | None) -> dict[str, Any]:
    """Return what a deployment that did not complete left at the target.

    Before DEPLOYING nothing was sent. From then on only the target knows.
    """
    stage = Stage(deployment.stage) if deployment.stage else Stage.INITIALIZING
    if HAPPY_PATH.index(stage) < HAPPY_PATH.index(Stage.DEPLOYING):
        return {"uploaded": Uploaded.NO.value}
    if deployment.work is Action.TAKEDOWN:
        return {"uploaded": Uploaded.NO.value}
    if account is None:
        return {"uploaded": Uploaded.UNKNOWN.value}
    try:
        live = account.live(deployment.worker_name).version
    except Exception as error:  # noqa: BLE001 - the deployment must end, whatever the target says
        logger.info("what is live of %s is unknown: %s", deployment, error)
        return {"uploaded": Uploaded.UNKNOWN.value}
    uploaded = Uploaded.NO if live == deployment.live_before else Uploaded.YES
    return {"uploaded": uploaded.value, "live_version": live}
