"""One deployment from its claim to its end, whatever happens on the way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import DatabaseError, connections, transaction
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from deployments.adapters.deploy_tools import DeployTools, OwnWorkflow
from deployments.adapters.remote_tools import Hooks, ProgramRun
from deployments.history import records
from deployments.models import Deployment, ProgramOutput
from deployments.pipeline import pipeline, worker_changes
from deployments.pipeline.errors import Cancelled, LeaseLost, Superseded
from deployments.pipeline.ports import DeployRequest
from deployments.pipeline.stages import Action, Stage
from deployments.pipeline.worker_changes import ChangeRequest, Stages
from deployments.queue import leases, request_factory, transitions
from deployments.queue.enqueue import enqueue_retry
from deployments.queue.leases import Claim
from deployments.queue.outcome import Outcome, outcome_of
from deployments.queue.remote_outcome import complete_if_removed, remote_outcome_of
from targets import policy
from targets.cloudflare import retries
from targets.cloudflare.account import Account
from targets.cloudflare.redaction import redact
from targets.cloudflare.retries import RetryPolicy
from targets.cloudflare.worker_parts import PartResult
from targets.lookup import NoTarget, account_of
from toolchain import process
from toolchain.process import ProgramStopped
from workflows.models import Workflow

logger = logging.getLogger(__name__)

_PATIENCE = (1, 5, 10, 20)  # seconds between tries to write an end

LONGEST_WAIT = 60.0  # seconds that a deployment waits for a busy target; longer, it comes again


def perform(held: Claim) -> None:
    """Run the deployment; every ending is a recorded one."""
    try:
        account = _account(held.deployment)
        work = _work(held.deployment)
        _check_frozen(held.deployment)
    except Exception as error:  # noqa: BLE001 - the last line of defence in a thread
        _surely(
            partial(transitions.enter, held.deployment.pk, held.token, stage=Stage.INITIALIZING)
        )
        _end(held, error, secrets=())
        return
    secrets = [account.api_token, *work.secrets]
    tools = _tools(held, account, secrets=secrets)
    try:
        _follow(held, work.stages(tools), overdue=partial(_cancel_overdue, held, account))
    except Exception as error:  # noqa: BLE001 - the last line of defence in a thread
        _end(held, error, secrets=secrets, account=account)


def _check_frozen(deployment: Deployment) -> None:
    """Whatever waited while the target froze is not performed, unless somebody said so."""
    if deployment.target is not None:
        policy.check_frozen(deployment.target, is_overridden=deployment.overrides_freeze)


def _follow(held: Claim, stages: Stages, *, overdue: Callable[[], None]) -> None:
    pk = held.deployment.pk
    waiting = RetryPolicy(
        max_wait=LONGEST_WAIT,
        on_wait=lambda until: transitions.set_waits_until(pk, held.token, until=until),
        sleep=held.pause,
    )
    with (
        leases.keep_alive(held, overdue=overdue),
        retries.using(waiting),
        process.stopped_by(held.stop),
        closing(stages),
    ):
        for progress in stages:
            if progress.stage is not Stage.COMPLETED:  # what is done is not cancelled any more
                held.check()
            transitions.enter(pk, held.token, stage=progress.stage, facts=progress.facts)


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be done, with the secrets that nothing of it may show."""

    stages: Callable[[DeployTools], Stages]
    secrets: tuple[str, ...] = ()


def _work(deployment: Deployment) -> _Work:
    if deployment.work is Action.DEPLOY:
        request = request_factory.deploy_request(deployment)
        return _Work(lambda tools: pipeline.run(request, tools), _secrets(request))
    change = _CHANGES[deployment.work]
    about = request_factory.change_request(deployment)
    return _Work(lambda tools: change(about, tools))


_CHANGES: dict[Action, Callable[[ChangeRequest, DeployTools], Stages]] = {
    Action.ROLLBACK: worker_changes.roll_back,
    Action.RETRY: worker_changes.retry,
    Action.DELETE_SECRETS: worker_changes.delete_secrets,
    Action.TAKEDOWN: worker_changes.take_down,
}


def _account(deployment: Deployment) -> Account:
    if deployment.target is None:
        raise NoTarget(f"The target {deployment.target_name} has been deleted.")
    return account_of(deployment.target)


def _secrets(request: DeployRequest) -> tuple[str, ...]:
    return request_factory.secret_values(request.variables, request.node_types)


def _tools(held: Claim, account: Account, *, secrets: Iterable[str]) -> DeployTools:
    deployment = held.deployment

    def keep(ran: ProgramRun) -> None:
        ProgramOutput.objects.create(
            deployment=deployment,
            program=ran.program,
            exit_code=ran.exit_code,
            seconds=ran.seconds,
            text=ran.text,
        )

    def before_write() -> None:
        held.check()
        _check_newest(deployment)
        if deployment.work is Action.DEPLOY:
            request_factory.require_workflow(deployment)

    hooks = Hooks(
        program_started=held.program_started,
        program_ended=keep,
        before_write=before_write,
        hide=partial(redact, secrets=secrets),
    )
    return tools_for(
        DeployTools,
        account,
        hooks,
        name=str(deployment.pk),
        message=str(deployment),
        tag=deployment.version_tag,
    )


_Kind = TypeVar("_Kind", bound=DeployTools)


def tools_for(
    kind: type[_Kind],
    account: Account,
    hooks: Hooks,
    *,
    name: str,
    message: str = "",
    tag: str = "",
) -> _Kind:
    """Return real tools of the kind; `name` is that of the temporary directories."""
    here = settings.AWAITSTEP
    return kind(
        account=account,
        ours=_ours,
        deploys=here.data_dir / "deploys",
        cache=here.data_dir / "node-cache",
        timeout=here.deploy_timeout,
        name=name,
        message=message,
        tag=tag,
        hooks=hooks,
    )


def _ours(workflow_id: str) -> OwnWorkflow | None:
    workflow = Workflow.objects.filter(pk=workflow_id).only("name", "ir").first()
    return OwnWorkflow(name=workflow.name, kind=workflow.kind) if workflow else None


def _check_newest(deployment: Deployment) -> None:
    """Raise Superseded where a newer deployment has gone live: an older one never replaces it."""
    mine = records.of_worker(deployment.workflow_public_id, deployment.target_id)
    newer = mine.filter(records.changed_what_is_live(), pk__gt=deployment.pk).first()
    if newer:
        raise Superseded(f"Deployment #{newer.pk} is newer and live: nothing was uploaded.")


def _end(
    held: Claim, error: Exception, *, secrets: Iterable[str], account: Account | None = None
) -> None:
    pk = held.deployment.pk
    error = _what_ended(held, error)
    if isinstance(error, LeaseLost):
        logger.info("deployment %s was ended elsewhere", pk)
        return
    ending = outcome_of(error)
    if ending.is_fault:
        logger.error("deployment %s failed", pk, exc_info=error)
    _surely(lambda: _write_end(held, ending, secrets=secrets, account=account))


def _write_end(
    held: Claim, ending: Outcome, *, secrets: Iterable[str], account: Account | None
) -> None:
    deployment = Deployment.objects.get(pk=held.deployment.pk)
    if complete_if_removed(deployment, held.token, account):
        return
    parts = {"parts": _redacted(ending.parts, secrets)} if ending.parts else {}
    facts = parts | remote_outcome_of(deployment, account)
    with transaction.atomic():
        comes_again = ending.again_at and enqueue_retry(deployment, not_before=ending.again_at)
        has_ended = transitions.end(
            deployment.pk,
            held.token,
            status=ending.status,
            message=redact(ending.told(comes_again=bool(comes_again)), secrets),
            cause=ending.cause,
            findings=tuple(
                one.with_message(redact(one.message, secrets)) for one in ending.findings
            ),
            facts=facts,
        )
        if not has_ended:  # whoever ended it has said what comes next
            transaction.set_rollback(True)


def _what_ended(held: Claim, error: Exception) -> Exception:
    """Return why it ended: a wish to cancel, or another's end, counts before what came of them."""
    try:
        held.check()
    except (Cancelled, LeaseLost) as reason:
        return reason
    except DatabaseError:
        logger.warning("whether a deployment was cancelled is unknown", exc_info=True)
    if isinstance(error, ProgramStopped):
        return Cancelled("The programs of this deployment were stopped.")
    return error


def _redacted(parts: Iterable[PartResult], secrets: Iterable[str]) -> list[dict[str, Any]]:
    rows = [part.as_row() for part in parts]
    return [{**row, "message": redact(row["message"], secrets)} for row in rows]


def _cancel_overdue(held: Claim, account: Account) -> None:
    """End a cancelled deployment whose thread hangs in a call: its programs die, others may go on."""
    lease = held.lease()
    if lease:
        leases.kill_programs(lease)
        by = Deployment.objects.values_list("cancelled_by", flat=True).get(pk=held.deployment.pk)
        _end(held, Cancelled(f"Cancelled by {by}."), secrets=(), account=account)


def _surely(end: Callable[[], object]) -> object:
    """A database that is locked or away for a while must not leave a deployment without an end."""
    retrying = Retrying(
        retry=retry_if_exception_type(DatabaseError),
        stop=stop_after_attempt(len(_PATIENCE) + 1),
        wait=wait_chain(*map(wait_fixed, _PATIENCE)),
        before_sleep=_connect_anew,
        reraise=True,
    )
    return retrying(end)


def _connect_anew(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.error("the end of a deployment could not be written; trying again", exc_info=error)
    connections.close_all()
