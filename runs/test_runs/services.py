"""Starting, stopping and removing test runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from secrets import token_hex
from typing import Any, Final

import cloudflare
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from audit.trail import Actor
from deployments.permissions import DEPLOY
from deployments.pipeline.code_build import generate
from deployments.pipeline.config.bindings import Variable
from deployments.queue.request_factory import secret_values, variables_for
from runs import statuses
from runs.models import TestRun
from runs.services.control import Refused, check_payload
from runs.sync import poller
from runs.test_runs.draft_request import (
    Runnable,
    draft_request,
    stop_after,
    without_secrets,
)
from runs.test_runs.plan import test_plan
from runs.test_runs.tools import build_worker
from targets.cloudflare import retries, test_runs, time_limits
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.lookup import account_for_test_runs
from web.transaction_locks import lock_until_commit
from workflows.audit_entries import record_workflow
from workflows.documents.saved_tests.model import ExpectedRequest
from workflows.documents.saved_tests.pins import Pin
from workflows.ir.document.kinds import PROJECT, SCRIPT
from workflows.ir.document.model import WorkflowIR
from workflows.models import ARCHIVED, MaskedValue, Workflow
from workflows.node_types.registered import snapshot, types_for
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import secret_variables
from workflows.services import Variable as StoredVariable

LIFETIME: Final = timedelta(hours=1)
INSTANCE: Final = "run"
MAX_RUNNING: Final = 3
MAX_WORKERS: Final = 20
_MAX_SPEED: Final = 10_000_000.0


class TooManyTestRuns(Refused):
    """The user, or all users together, have too many test runs that have not ended."""


class NotTestable(Refused):
    """The workflow has no test runs, whatever its draft: it is archived, a script or a project."""


OF_PROJECT: Final = (
    "Test runs and saved tests are not available for projects. Deploy the project, for example to the "
    "embedded platform, and start a run."
)


def check_not_project(kind: str) -> None:
    """Raise NotTestable for a project."""
    if kind == PROJECT:
        raise NotTestable(OF_PROJECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestInput:
    """What to test: the payload, pins by node, the node to stop after, and the clock's speed.

    A `speed` of None skips everything that the run only waits for. `saved_test` is the name of the test
    that asks for the run; its `requests` are answered instead of sent, unless they are None, and its
    `variables` replace those of the workflow.
    """

    __test__ = False

    payload: Any = field(default_factory=dict)
    pins: Mapping[str, Pin] = field(default_factory=dict)
    until: str = ""
    speed: float | None = None
    saved_test: str = ""
    requests: Sequence[ExpectedRequest] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


def start(workflow: Workflow, test: TestInput, *, by: Actor) -> TestRun:
    """Build the draft, start a run of it, and remove the user's earlier test runs of it that have ended.

    Raises the same errors as `start_run`.
    """
    run = start_run(Runnable.draft(workflow), test, by=by)
    _remove_earlier(run)
    record_workflow(
        "draft test-run",
        workflow,
        by=by,
        revision=run.revision,
        until=test.until,
        pins=[*test.pins],
    )
    return run


def start_run(runnable: Runnable, test: TestInput, *, by: Actor) -> TestRun:
    """Build the content, and start a run of it.

    Secrets have their values only for users who may deploy: others could read them with their code.
    Raises Refused for an input that cannot be tested, DeployError with the draft's problems.
    """
    account = account_for_test_runs()
    _check_input(runnable, test)
    variables = _variables(runnable, test, by)
    ir = _readable(runnable, variables)
    _check_nodes(ir, test)
    stopping = stop_after(runnable.ir, ir, test.until)
    plan = test_plan(ir, test.pins, speed=test.speed, until=stopping.step, requests=test.requests)
    run = reserve(runnable, test, by=by)
    request = draft_request(
        runnable, stopping.document, worker=run.worker_name, variables=variables
    )
    try:
        test_runs.upload(account, build_worker(request, account, replaced=_replaced(test)))
        test_runs.start(
            account, run.worker_name, instance_id=INSTANCE, params=test.payload, plan=plan
        )
    except BaseException:
        remove(run)
        raise
    run.started_at = timezone.now()
    run.save(update_fields=["started_at"])
    return run


def _replaced(test: TestInput) -> frozenset[str]:
    """Return the nodes whose own work never runs."""
    return frozenset(node_id for node_id, pin in test.pins.items() if pin.has_output)


def _check_input(runnable: Runnable, test: TestInput) -> None:
    if runnable.workflow.is_archived:
        raise NotTestable(ARCHIVED)
    check_not_project(runnable.kind)
    if runnable.kind == SCRIPT:
        raise NotTestable("Scripts have no runs. Deploy the script, and send it a request.")
    check_payload(test.payload)
    if test.speed is not None and not 1 <= test.speed <= _MAX_SPEED:
        raise Refused(f"The speed must be between 1 and {_MAX_SPEED:,.0f}.")


def stored_variables(runnable: Runnable, by: Actor) -> Mapping[str, Variable]:
    """Return the variables that a run gets unless its test replaces them."""
    variables = variables_for(runnable.workflow)
    if _gets_secrets(by):
        return variables
    return without_secrets(variables, secret_variables(snapshot(runnable.ir)))


def _gets_secrets(by: Actor) -> bool:
    return by.user is None or by.user.has_perm(DEPLOY)


def _variables(runnable: Runnable, test: TestInput, by: Actor) -> Mapping[str, Variable]:
    """Return the variables of a run; the values of secrets that the code gets are masked in the outputs."""
    stored = stored_variables(runnable, by)
    replaced = {
        name: StoredVariable(
            name=name,
            value=value,
            is_secret=name in stored and stored[name].is_secret,
            origin="test",
        )
        for name, value in test.variables.items()
    }
    kept = {name: item for name, item in stored.items() if name not in replaced}
    if _gets_secrets(by):
        secrets = secret_values(kept, snapshot(runnable.ir))
        MaskedValue.objects.remember(runnable.workflow.pk, secrets)
    return {**kept, **replaced}


def _readable(runnable: Runnable, variables: Mapping[str, Variable]) -> WorkflowIR:
    """Return the document; raises DeployError with its problems."""
    ir = parse(runnable.ir, types_for(runnable.ir)).ir
    request = draft_request(runnable, runnable.ir, worker="draft", variables=variables)
    generate(request)
    if ir is None:
        raise AssertionError("a document without problems can be read")
    return ir


def _check_nodes(ir: WorkflowIR, test: TestInput) -> None:
    for node_id in filter(None, [test.until, *test.pins]):
        if node_id not in ir.nodes:
            raise Refused(f"The draft has no node {node_id!r}.")


def reserve(runnable: Runnable, test: TestInput, *, by: Actor) -> TestRun:
    """Create the row if the limits allow another test run, however many are started at the same time."""
    _notice_ends(owned_by(by))  # asks the platform: not in the transaction
    if _excess() > 0:
        _notice_ends(_current())
    with transaction.atomic():
        lock_until_commit("test runs", "limits")
        removed = _make_room()
        _check_limits(by)
        run = _create(runnable, test, by=by)
    for worker in removed:
        _remove_worker(worker)
    return run


def _check_limits(by: Actor) -> None:
    if owned_by(by).filter(ended_at=None).count() >= MAX_RUNNING:
        raise TooManyTestRuns(
            f"At most {MAX_RUNNING} of your test runs can run at the same time. Stop one of them first."
        )
    if _excess() > 0:
        raise TooManyTestRuns(
            f"There are already {MAX_WORKERS} test runs that have not ended. Each is removed after an hour "
            "at most: try again later."
        )


def _notice_ends(runs: QuerySet[TestRun]) -> None:
    for run in runs.filter(ended_at=None):
        is_running(run)


def _current() -> QuerySet[TestRun]:
    return TestRun.objects.filter(expires_at__gt=timezone.now())


def _excess() -> int:
    """Return how many test runs must be removed to make room for another one."""
    return _current().count() - MAX_WORKERS + 1


def _make_room() -> list[str]:
    """Delete the test runs that ended first, if there are too many, and return their Workers.

    Nobody may use up what all share. Runs of saved tests are still read, and then removed, by who started them.
    """
    ended = _current().filter(saved_test="").exclude(ended_at=None).order_by("ended_at", "pk")
    rows = list(ended[: max(_excess(), 0)])
    TestRun.objects.filter(pk__in=[run.pk for run in rows]).delete()
    return [run.worker_name for run in rows]


def owned_by(by: Actor) -> QuerySet[TestRun]:
    """Return the test runs that this actor started; nobody else sees them."""
    return TestRun.objects.filter(user=by.user)


def _create(runnable: Runnable, test: TestInput, *, by: Actor) -> TestRun:
    return TestRun.objects.create(
        workflow=runnable.workflow,
        user=by.user,
        worker_name=f"test-{token_hex(6)}",
        revision=runnable.workflow.draft_revision,
        ir=runnable.ir,
        node_types=snapshot(runnable.ir),
        until=test.until,
        pins={node_id: pin.as_json() for node_id, pin in test.pins.items()},
        speed=test.speed,
        saved_test=test.saved_test,
        expires_at=timezone.now() + LIFETIME,
    )


def _remove_earlier(run: TestRun) -> None:
    earlier = TestRun.objects.filter(workflow=run.workflow_id, user=run.user_id, pk__lt=run.pk)
    earlier = earlier.filter(saved_test="")
    for other in earlier.exclude(ended_at=None):
        remove(other)


def read(run: TestRun) -> dict[str, Any] | None:
    """Return the run in the format of Cloudflare's API, with its secrets; None if it no longer exists.

    Raises DeployError if the platform does not respond.
    """
    account = quick_account()
    with retries.using(time_limits.until_deadline()):
        data = poller.describe(account, run.worker_name, INSTANCE)
    has_ended = data is None or statuses.is_final(str(data.get("status")))
    if has_ended and run.ended_at is None and run.started_at is not None:
        run.ended_at = timezone.now()
        TestRun.objects.filter(pk=run.pk).update(ended_at=run.ended_at)
    return data


def is_running(run: TestRun) -> bool:
    """Return whether the run has not ended, as far as is known."""
    if run.started_at is not None:
        with suppress(DeployError):
            read(run)
    return run.ended_at is None


def stop(run: TestRun, *, by: Actor) -> None:
    """Stop the run; what it has done so far can still be read.

    Raises Unresponsive if its Worker had to be removed, with the run.
    """
    try:
        _terminate(run)
    except DeployError as error:
        if error.cause is not Cause.UNREACHABLE:
            raise
        test_runs.remove(quick_account(), run.worker_name)  # raises if the platform is down
        run.delete()
        record_workflow("test run stopped", run.workflow, by=by)
        raise Unresponsive(_UNRESPONSIVE) from None
    record_workflow("test run stopped", run.workflow, by=by)


def _terminate(run: TestRun) -> None:
    with (
        time_limits.time_limited(account_for_test_runs()) as account,
        account.explained("stop the test run"),
        suppress(*_NOTHING_TO_STOP),
    ):
        account.client.workflows.instances.status.edit(
            INSTANCE,
            account_id=account.account_id,
            workflow_name=run.worker_name,
            status="terminate",
        )


class Unresponsive(DeployError):
    """The run did not respond, and was removed."""


_UNRESPONSIVE: Final = (
    "The run did not respond, so it was removed. Its code probably never ends: look for a loop such as "
    "while (true) without an await that waits."
)


_NOTHING_TO_STOP: Final = (cloudflare.NotFoundError, cloudflare.BadRequestError)


def remove(run: TestRun) -> None:
    """Remove the run and its Worker. If the platform is down, it removes the Worker when it starts."""
    _remove_worker(run.worker_name)
    run.delete()


def _remove_worker(name: str) -> None:
    with suppress(DeployError):
        test_runs.remove(quick_account(), name)


def quick_account() -> Account:
    """Return the account, with calls that time out soon, because a page waits for them."""
    return time_limits.with_timeout(account_for_test_runs())


def remove_expired() -> None:
    """Remove the test runs whose hour is over, and those of processes that died while starting them."""
    for run in TestRun.objects.filter(expires_at__lte=timezone.now()):
        remove(run)
