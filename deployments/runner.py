"""One deployment from its claim to its end, whatever happens on the way."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.models import Exists, Q, Subquery

from deployments import leases, pipeline, transitions
from deployments.cloudflare.redaction import redact
from deployments.errors import DeployError, Finding, LeaseLost, Superseded
from deployments.leases import Held
from deployments.models import Deployment, ProgramOutput
from deployments.ports import DeployRequest, Tools
from deployments.stages import HAPPY_PATH, Stage, Status, Uploaded
from deployments.targets import NoTarget, account_of
from deployments.tools.account import Account
from deployments.tools.deploy_tools import DeployTools, Hooks, Ours, ProgramRan
from workflows.models import Workflow
from workflows.services import variables_of

logger = logging.getLogger(__name__)

_PATIENCE = (1, 5, 10, 20)  # seconds between tries to write an end

GONE = "The workflow has been deleted. Nothing was uploaded."
OUR_FAULT = (
    "Something went wrong in AwaitStep itself, not in your workflow. The server's log has the "
    "details. Nothing was uploaded after this stage; you can deploy again."
)


def perform(held: Held) -> None:
    """Run the deploy; every ending is a recorded one."""
    try:
        account = _account(held.deployment)
        request = request_of(held.deployment)
    except Exception as error:  # noqa: BLE001 - the last line of defence in a thread
        _surely(
            partial(transitions.enter, held.deployment.pk, held.token, stage=Stage.INITIALIZING)
        )
        _end(held, error, secrets=())
        return
    secrets = [account.api_token, *_secrets(request)]
    try:
        _follow(held, request, _tools(held, account, secrets=secrets))
    except Exception as error:  # noqa: BLE001 - the last line of defence in a thread
        _end(held, error, secrets=secrets, account=account)


def _follow(held: Held, request: DeployRequest, tools: Tools) -> None:
    pk = held.deployment.pk
    with leases.kept(held), closing(pipeline.run(request, tools)) as stages:
        for progress in stages:
            transitions.enter(pk, held.token, stage=progress.stage, facts=progress.facts)


def request_of(deployment: Deployment) -> DeployRequest:
    """Return what the deployment's snapshot and the workflow's variables of now come to.

    Raises DeployError where the workflow is gone: nothing could manage the Worker afterwards.
    """
    _check_workflow(deployment)
    return DeployRequest(
        ir=deployment.ir,
        entry_code=deployment.entry_code,
        dependencies=deployment.dependencies,
        class_name=deployment.class_name,
        worker_name=deployment.worker_name,
        variables=variables_of(deployment.workflow),
        bindings=deployment.bindings,
        node_types=deployment.node_types,
        former_queues=_former_queues(deployment),
    )


def _former_queues(deployment: Deployment) -> frozenset[str]:
    """Return the queues of what went live last and of what may have been uploaded since."""
    earlier = Deployment.objects.filter(
        pk__lt=deployment.pk,
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target,
    ).exclude(uploaded=Uploaded.NO.value)
    last = earlier.filter(status=Status.SUCCEEDED.value).order_by("-pk").values("pk")[:1]
    since = earlier.filter(Q(pk__gte=Subquery(last)) | ~Exists(last))
    with_queue = since.filter(ir__trigger__type="queue")
    return frozenset(with_queue.values_list("ir__trigger__queue", flat=True))


def _check_workflow(deployment: Deployment) -> None:
    if not Workflow.objects.filter(pk=deployment.workflow_id).exists():
        raise DeployError(GONE)


def _account(deployment: Deployment) -> Account:
    if deployment.target is None:
        raise NoTarget(f"The target {deployment.target_name} has been deleted.")
    return account_of(deployment.target)


def _secrets(request: DeployRequest) -> list[str]:
    return [variable.value for variable in request.variables.values() if variable.is_secret]


def _tools(held: Held, account: Account, *, secrets: Iterable[str]) -> DeployTools:
    deployment, here = held.deployment, settings.AWAITSTEP

    def keep(ran: ProgramRan) -> None:
        ProgramOutput.objects.create(
            deployment=deployment,
            program=ran.program,
            exit_code=ran.exit_code,
            seconds=ran.seconds,
            text=redact(ran.text, secrets),
        )

    def before_upload() -> None:
        held.check()
        _check_newest(deployment)
        _check_workflow(deployment)

    hooks = Hooks(
        program_started=held.program_started, program_ended=keep, before_upload=before_upload
    )
    return DeployTools(
        account=account,
        ours=_ours,
        deploys=here.data_dir / "deploys",
        cache=here.data_dir / "node-cache",
        timeout=here.deploy_timeout,
        name=str(deployment.pk),
        hooks=hooks,
    )


def _ours(workflow_id: str) -> Ours | None:
    workflow = Workflow.objects.filter(pk=workflow_id).only("name", "ir").first()
    return Ours(name=workflow.name, kind=workflow.kind) if workflow else None


def _check_newest(deployment: Deployment) -> None:
    """Raise Superseded where a newer deployment has gone live: an older one never replaces it."""
    newer = Deployment.objects.filter(
        pk__gt=deployment.pk,
        workflow_public_id=deployment.workflow_public_id,
        target=deployment.target,
        status=Status.SUCCEEDED.value,
    ).first()
    if newer:
        raise Superseded(f"Deployment #{newer.pk} is newer and live: nothing was uploaded.")


def _end(
    held: Held, error: Exception, *, secrets: Iterable[str], account: Account | None = None
) -> None:
    pk = held.deployment.pk
    if isinstance(error, LeaseLost):
        logger.info("deployment %s was ended elsewhere", pk)
        return
    status, message, findings = _reason(error)
    findings = tuple(
        replace(finding, message=redact(finding.message, secrets)) for finding in findings
    )
    if status is Status.FAILED and not isinstance(error, DeployError):
        logger.error("deployment %s failed", pk, exc_info=error)
    end = partial(transitions.end, pk, held.token, status=status, findings=findings)
    _surely(
        lambda: end(
            message=redact(message, secrets),
            facts=what_is_live(Deployment.objects.get(pk=pk), account),
        )
    )


def _surely(end: Callable[[], object]) -> None:
    """A database that is locked or away for a while must not leave a deployment without an end."""
    for seconds in _PATIENCE:
        try:
            end()
            return
        except DatabaseError:
            logger.exception("the end of a deployment could not be written; trying again")
            connections.close_all()
            time.sleep(seconds)
    end()


def _reason(error: Exception) -> tuple[Status, str, tuple[Finding, ...]]:
    match error:
        case Superseded():
            return Status.SUPERSEDED, str(error), ()
        case DeployError():
            return Status.FAILED, str(error), error.findings
        case _:
            return Status.FAILED, OUR_FAULT, ()


def what_is_live(deployment: Deployment, account: Account | None) -> dict[str, Any]:
    """Return what a deployment that did not complete left at the target.

    Before DEPLOYING nothing was sent. From then on only the target knows.
    """
    stage = Stage(deployment.stage) if deployment.stage else Stage.INITIALIZING
    if HAPPY_PATH.index(stage) < HAPPY_PATH.index(Stage.DEPLOYING):
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
