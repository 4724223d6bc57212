"""Runs a claimed deployment and records its outcome, whatever happens."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import (
    DatabaseError,
    DataError,
    Error,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    connections,
    transaction,
)
from structlog.contextvars import bound_contextvars
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_chain,
    wait_fixed,
)

from deployments.history import records, workflow_names
from deployments.history.tested_versions import is_accepted
from deployments.models import Deployment, ProgramOutput
from deployments.pipeline import pipeline, worker_changes
from deployments.pipeline.adapters.deploy_tools import DeployTools, OwnWorkflow
from deployments.pipeline.adapters.remote_tools import Hooks, ProgramRun
from deployments.pipeline.errors import Cancelled, LeaseLost, Superseded
from deployments.pipeline.stages import Action, Stage
from deployments.pipeline.worker_changes import ChangeRequest, Stages
from deployments.queue import leases, request_factory, transitions
from deployments.queue.enqueue import enqueue_retry, lock_queue
from deployments.queue.leases import Claim
from deployments.queue.outcome import Outcome, outcome_of
from deployments.queue.remote_outcome import complete_if_removed, remote_outcome_of
from deployments.queue.spares import spare_wranglers
from targets import policy
from targets.cloudflare import retries
from targets.cloudflare.account import Account
from targets.cloudflare.retries import RetryPolicy
from targets.cloudflare.worker_parts import parse_triggers
from targets.lookup import NoTarget, account_of
from toolchain import process
from toolchain.process import ProgramStopped
from toolchain.redaction import redact
from workflows.masked_values import masked_values
from workflows.models import MaskedValue, Workflow

logger = logging.getLogger(__name__)

_WRITE_RETRIES = (1, 5, 10, 20)  # seconds between attempts to record an outcome

LONGEST_WAIT = 60.0  # seconds that a deployment waits for a busy target before it is requeued


def perform(claim: Claim) -> None:
    """Run the deployment and record its outcome, even for unexpected errors."""
    deployment = claim.deployment
    with bound_contextvars(deployment=deployment.pk, workflow=deployment.workflow_public_id):
        _perform(claim)


def _perform(claim: Claim) -> None:
    try:
        account = _account(claim.deployment)
        work = _work(claim.deployment)
        _check_rules(claim.deployment)
    except Exception as error:  # noqa: BLE001 - a thread must record every outcome
        _with_retries(
            partial(transitions.enter, claim.deployment.pk, claim.token, stage=Stage.INITIALIZING)
        )
        _end(claim, error, secrets=())
        return
    if claim.deployment.work is Action.DEPLOY:
        spare_wranglers().prepare()
    secrets = {account.api_token, *masked_values(claim.deployment.workflow_public_id)}
    tools = _tools(claim, account, secrets=secrets)
    try:
        _run(claim, work(tools), secrets, on_overdue=partial(_cancel_overdue, claim, account))
    except Exception as error:  # noqa: BLE001 - a thread must record every outcome
        _end(claim, error, secrets=secrets, account=account)


def _check_rules(deployment: Deployment) -> None:
    """Raise Refused if the target was frozen, or made to require tests, while the deployment waited."""
    target = deployment.target
    if target is None:
        return
    policy.check_frozen(target, is_overridden=deployment.overrides_freeze)
    is_untested = deployment.work is Action.DEPLOY and deployment.required_tests is None
    if target.requires_tests and is_untested and not is_accepted(deployment, target):
        raise policy.Refused(
            f"The target {target.name} has been set to require tests since this deployment was requested, "
            f"and v{deployment.version_number} has neither passed them nor been live there. Deploy it "
            "again, so that they run first."
        )


def _run(
    claim: Claim, stages: Stages, secrets: Collection[str], *, on_overdue: Callable[[], None]
) -> None:
    pk = claim.deployment.pk
    waiting = RetryPolicy(
        max_wait=LONGEST_WAIT,
        on_wait=lambda until: transitions.set_waits_until(pk, claim.token, until=until),
        sleep=claim.pause,
    )
    with (
        leases.keep_alive(claim, on_overdue=on_overdue),
        retries.using(waiting),
        process.stopped_by(claim.stop),
        closing(stages),
    ):
        for progress in stages:
            if progress.stage is not Stage.COMPLETED:  # which can no longer be cancelled
                _with_retries(claim.check)
            facts = _with_redacted_parts(progress.facts, secrets)
            _with_retries(partial(_enter, claim, progress.stage, facts))
            if "wrangler_json" in facts and claim.deployment.files:
                workflows = parse_triggers(json.loads(facts["wrangler_json"])).classes
                workflow_names.remember(claim.deployment, workflows)
    logger.info("deployment %s succeeded", pk)


def _enter(claim: Claim, stage: Stage, facts: Mapping[str, Any]) -> None:
    """Enter the stage, unless an attempt whose connection was lost has already done so."""
    pk = claim.deployment.pk
    try:
        transitions.enter(pk, claim.token, stage=stage, facts=facts)
    except LeaseLost:
        if not transitions.has_entered(pk, claim.token, stage):
            raise


def _work(deployment: Deployment) -> Callable[[DeployTools], Stages]:
    """Return the stages to run. The secrets of a deploy are masked from now on."""
    if deployment.work is Action.DEPLOY:
        deploy = request_factory.deploy_request(deployment)
        secrets = request_factory.secret_values(deploy.variables, deploy.node_types)
        MaskedValue.objects.remember(deployment.workflow_public_id, secrets)
        return lambda tools: pipeline.run(deploy, tools)
    change = _CHANGES[deployment.work]
    request = request_factory.change_request(deployment)
    return lambda tools: change(request, tools)


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


def _tools(claim: Claim, account: Account, *, secrets: Collection[str]) -> DeployTools:
    deployment = claim.deployment

    def save(ran: ProgramRun) -> None:
        output = ProgramOutput(
            deployment=deployment,
            program=ran.program,
            exit_code=ran.exit_code,
            seconds=ran.seconds,
            text=ran.text,
        )
        _with_retries(output.save)

    def program_started(pid: int) -> None:
        _with_retries(partial(claim.program_started, pid))

    def before_write() -> None:
        _with_retries(check_before_write)

    def check_before_write() -> None:
        claim.check()
        _check_newest(deployment)
        if deployment.work is Action.DEPLOY:
            request_factory.require_workflow(deployment)

    hooks = Hooks(
        program_started=program_started,
        program_ended=save,
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
    """Return tools of the kind for a real target; temporary directories are called `name`."""
    config = settings.AWAITSTEP
    return kind(
        account=account,
        ours=_ours,
        deploys=config.data_dir / "deploys",
        cache=config.data_dir / "node-cache",
        spares=spare_wranglers(),
        timeout=config.deploy_timeout,
        name=name,
        message=message,
        tag=tag,
        hooks=hooks,
    )


def _ours(workflow_id: str) -> OwnWorkflow | None:
    workflow = Workflow.objects.filter(pk=workflow_id).only("name", "ir").first()
    return OwnWorkflow(name=workflow.name, kind=workflow.kind) if workflow else None


def _check_newest(deployment: Deployment) -> None:
    """Raise Superseded if a newer deployment has gone live, which an older one never replaces."""
    same_worker = records.of_worker(deployment.workflow_public_id, deployment.target_id)
    newer = same_worker.filter(records.changed_what_is_live(), pk__gt=deployment.pk).first()
    if newer:
        raise Superseded(f"Deployment #{newer.pk} is newer and live. Nothing was uploaded.")


def _end(
    claim: Claim, error: Exception, *, secrets: Collection[str], account: Account | None = None
) -> None:
    pk = claim.deployment.pk
    error = _cause_of_end(claim, error)
    if isinstance(error, LeaseLost):
        logger.info("deployment %s was ended elsewhere", pk)
        return
    outcome = outcome_of(error)
    if outcome.is_internal_error:
        logger.error("deployment %s failed", pk, exc_info=error)
    _with_retries(lambda: _write_outcome(claim, outcome, secrets=secrets, account=account))


def _write_outcome(
    claim: Claim, outcome: Outcome, *, secrets: Collection[str], account: Account | None
) -> None:
    deployment = Deployment.objects.get(pk=claim.deployment.pk)
    if complete_if_removed(deployment, claim.token, account):
        return
    parts = {"parts": [part.as_row() for part in outcome.parts]} if outcome.parts else {}
    facts = _with_redacted_parts(parts, secrets) | remote_outcome_of(deployment, account)
    with transaction.atomic():
        if outcome.retry_at is not None:
            lock_queue(deployment)
        transitions.lock(deployment.pk)
        will_retry = outcome.retry_at is not None and bool(
            enqueue_retry(deployment, not_before=outcome.retry_at)
        )
        has_ended = transitions.end(
            deployment.pk,
            claim.token,
            status=outcome.status,
            message=redact(outcome.full_message(will_retry=will_retry), secrets),
            cause=outcome.cause,
            findings=tuple(
                finding.with_message(redact(finding.message, secrets))
                for finding in outcome.findings
            ),
            facts=facts,
        )
        if not has_ended:  # the process that ended it has already decided on a retry
            transaction.set_rollback(True)
    if has_ended:
        logger.info("deployment %s ended: %s", deployment.pk, outcome.status.value)


def _cause_of_end(claim: Claim, error: Exception) -> Exception:
    """Return why it ended: a cancellation or a lost lease explains the errors that follow it."""
    try:
        claim.check()
    except (Cancelled, LeaseLost) as reason:
        return reason
    except Error:
        logger.warning("cannot check whether a deployment was cancelled", exc_info=True)
    if isinstance(error, ProgramStopped):
        return Cancelled("The programs of this deployment were stopped.")
    return error


def _with_redacted_parts(facts: Mapping[str, Any], secrets: Collection[str]) -> dict[str, Any]:
    """Return the facts with the secrets masked in what the target says about each part."""
    masked = dict(facts)
    for row in (rows := [dict(row) for row in facts.get("parts", ())]):
        row["message"] = redact(row["message"], secrets)
    return masked | {"parts": rows} if rows else masked


def _cancel_overdue(claim: Claim, account: Account) -> None:
    """End a cancelled deployment whose thread hangs in a call, so that others can start."""
    lease = claim.lease()
    if lease:
        leases.kill_programs(lease)
        by = Deployment.objects.values_list("cancelled_by", flat=True).get(pk=claim.deployment.pk)
        _end(claim, Cancelled(f"Cancelled by {by}."), secrets=(), account=account)


def _with_retries(write: Callable[[], object]) -> object:
    """Call the function; try again if the database is locked or unavailable for a while."""
    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(len(_WRITE_RETRIES) + 1),
        wait=wait_chain(*map(wait_fixed, _WRITE_RETRIES)),
        before_sleep=_reconnect,
        reraise=True,
    )
    return retrying(write)


def _may_pass(error: BaseException) -> bool:
    """Return whether a statement may succeed later, such as when the database is back."""
    is_final = isinstance(error, (DataError, IntegrityError, ProgrammingError))
    return isinstance(error, (DatabaseError, InterfaceError)) and not is_final


def _reconnect(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    logger.error("a deployment could not use the database; trying again", exc_info=error)
    connections.close_all()
