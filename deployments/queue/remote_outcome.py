"""What a deployment that did not complete left at its target."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from deployments.models import Deployment
from deployments.pipeline.errors import LeaseLost
from deployments.pipeline.stages import HAPPY_PATH, Action, Stage, Uploaded
from deployments.queue import transitions
from targets.cloudflare.account import Account
from targets.cloudflare.versions import version_tag

logger = logging.getLogger(__name__)


def complete_if_removed(deployment: Deployment, token: UUID, account: Account | None) -> bool:
    """End a takedown as done where the Worker is gone, whatever has stopped it after that."""
    if deployment.work is not Action.TAKEDOWN or deployment.stage != Stage.UPDATING_WORKFLOW:
        return False
    if account is None or not _is_gone(deployment, account):
        return False
    with suppress(LeaseLost):
        gone = {"live_version": ""}
        transitions.enter(deployment.pk, token, stage=Stage.COMPLETED, facts=gone)
        return True
    return False


def _is_gone(deployment: Deployment, account: Account) -> bool:
    """The Worker goes last; where there was none, its Workflows do."""
    worker = deployment.worker_name
    try:
        return not account.has_worker(worker) and not any(
            one.worker == worker for one in account.workflows()
        )
    except Exception as error:  # noqa: BLE001 - the deployment must end, whatever the target says
        logger.info("whether %s is done is unknown: %s", deployment, error)
        return False


def remote_outcome_of(deployment: Deployment, account: Account | None) -> dict[str, Any]:
    """Return what a deployment that did not complete left at the target.

    Before DEPLOYING nothing was sent. From then on only the target knows; what others put live is
    told from our own by the version's tag.
    """
    stage = Stage(deployment.stage) if deployment.stage else Stage.INITIALIZING
    if HAPPY_PATH.index(stage) < HAPPY_PATH.index(Stage.DEPLOYING):
        return {"uploaded": Uploaded.NO.value}
    known = deployment.uploaded == Uploaded.YES.value
    unknown = {"uploaded": Uploaded.YES.value if known else Uploaded.UNKNOWN.value}
    if account is None:
        return unknown
    try:
        if deployment.work is Action.TAKEDOWN:
            return {"live_version": account.live(deployment.worker_name).version}
        return _found(deployment, account)
    except Exception as error:  # noqa: BLE001 - the deployment must end, whatever the target says
        logger.info("what is live of %s is unknown: %s", deployment, error)
        return unknown


def _found(deployment: Deployment, account: Account) -> dict[str, Any]:
    live = account.live(deployment.worker_name).version
    was_sent = deployment.version_id != ""
    if was_sent and live == deployment.version_id:
        return {"uploaded": Uploaded.YES.value, "live_version": live}
    if not was_sent and _is_ours(deployment, account, live):
        return {"uploaded": Uploaded.YES.value, "live_version": live, "version_id": live}
    uploaded = Uploaded.YES if was_sent else Uploaded.NO
    return {"uploaded": uploaded.value, "live_version": live}


def _is_ours(deployment: Deployment, account: Account, live: str) -> bool:
    """Tell whether this deployment put it live: an upload has its tag, a rollback goes to a version.

    A deletion of secrets has neither.
    """
    if not live or live == deployment.live_before:
        return False
    if deployment.work is Action.ROLLBACK:
        return deployment.about is not None and deployment.about.version_id == live
    if deployment.work is Action.DELETE_SECRETS:
        return account.live(deployment.worker_name).source == "api"
    return version_tag(account, deployment.worker_name, live) == deployment.version_tag
