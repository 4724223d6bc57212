"""What a deployment that did not complete left on its target."""

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
    """Complete a takedown if the Worker has been removed, whatever stopped the takedown."""
    if deployment.work is not Action.TAKEDOWN or deployment.stage != Stage.UPDATING_WORKFLOW:
        return False
    if account is None or not _is_removed(deployment, account):
        return False
    with suppress(LeaseLost):
        facts = {"live_version": ""}
        transitions.enter(deployment.pk, token, stage=Stage.COMPLETED, facts=facts)
        return True
    return False


def _is_removed(deployment: Deployment, account: Account) -> bool:
    """Return whether nothing is left: the Worker is removed last, or its Workflows without one."""
    worker = deployment.worker_name
    try:
        return not account.has_worker(worker) and not any(
            workflow.worker == worker for workflow in account.workflows()
        )
    except Exception as error:  # noqa: BLE001 - the deployment must end, whatever the target responds
        logger.info("cannot check whether %s is done: %s", deployment, error)
        return False


def remote_outcome_of(deployment: Deployment, account: Account | None) -> dict[str, Any]:
    """Return the deployment fields that say what was left on the target.

    Nothing is sent before DEPLOYING. From then on only the target knows. The version's tag
    distinguishes our own upload from a version that others made live.
    """
    stage = Stage(deployment.stage) if deployment.stage else Stage.INITIALIZING
    if HAPPY_PATH.index(stage) < HAPPY_PATH.index(Stage.DEPLOYING):
        return {"uploaded": Uploaded.NO.value}
    is_uploaded = deployment.uploaded == Uploaded.YES.value
    unknown = {"uploaded": Uploaded.YES.value if is_uploaded else Uploaded.UNKNOWN.value}
    if account is None:
        return unknown
    try:
        if deployment.work is Action.TAKEDOWN:
            return {"live_version": account.live(deployment.worker_name).version}
        return _live_fields(deployment, account)
    except Exception as error:  # noqa: BLE001 - the deployment must end, whatever the target responds
        logger.info("cannot check what is live for %s: %s", deployment, error)
        return unknown


def _live_fields(deployment: Deployment, account: Account) -> dict[str, Any]:
    live = account.live(deployment.worker_name).version
    was_sent = deployment.version_id != ""
    if was_sent and live == deployment.version_id:
        return {"uploaded": Uploaded.YES.value, "live_version": live}
    if not was_sent and _is_ours(deployment, account, live):
        return {"uploaded": Uploaded.YES.value, "live_version": live, "version_id": live}
    uploaded = Uploaded.YES if was_sent else Uploaded.NO
    return {"uploaded": uploaded.value, "live_version": live}


def _is_ours(deployment: Deployment, account: Account, live: str) -> bool:
    """Return whether this deployment made the version live.

    An upload has a tag and a rollback names a version; a deletion of secrets has neither.
    """
    if not live or live == deployment.live_before:
        return False
    if deployment.work is Action.ROLLBACK:
        return deployment.about is not None and deployment.about.version_id == live
    if deployment.work is Action.DELETE_SECRETS:
        return account.live(deployment.worker_name).source == "api"
    return version_tag(account, deployment.worker_name, live) == deployment.version_tag
