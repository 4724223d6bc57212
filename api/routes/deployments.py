"""Deployments: starting, planning, listing, cancelling, retrying, rolling back and taking down."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest, Caller
from api.conventions.errors import as_conflict
from api.conventions.operations import Repeats, operation
from api.conventions.paging import page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.deployment_start import start_deployment
from api.lookup import target_for, workflow_for
from api.schemas.deployments import (
    LISTED,
    ConsentBody,
    DeploymentDetail,
    DeploymentOut,
    DeploymentQuery,
    DeployRequest,
    DeployResult,
    EventQuery,
    OutputOut,
    PlanOut,
    PlanRequest,
    StageOut,
    TargetedBody,
    consent_of,
    deployment_of,
    full_deployment,
    result_of,
    stage_of,
)
from api.scopes import Scope
from deployments.models import Deployment
from deployments.permissions import CANCEL, DEPLOY, ROLL_BACK, TAKE_DOWN, VIEW
from deployments.queue import progress
from deployments.queue.enqueue import Busy
from deployments.services import control, deploy, plan
from targets.policy import Consent
from web.converters import read_key

_MAX_WAIT: Final = 100.0
"""Seconds: proxies often end a request after a little more."""
router = Router(tags=["Deployments"])


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/deploy",
    permission=DEPLOY,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={200: DeployResult, 202: DeployResult},
    errors=[409],
)
def deploy_workflow(request: ApiRequest, workflow_id: str, body: DeployRequest) -> Status[Any]:
    """Deploy the newest version, and wait for the end. If that takes long, the status is 202."""
    deployment = start_deployment(request.auth, workflow_id, body, overwrite=body.overwrite)
    if body.wait:
        progress.wait_until_final(deployment, lambda _record: None, max_seconds=_MAX_WAIT)
    deployment.refresh_from_db()
    return Status(200 if deployment.is_final else 202, result_of(deployment))


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/plan",
    permission=DEPLOY,
    scope=Scope.DEPLOY,
    responses={200: PlanOut},
    repeats=Repeats.NO,
)
def plan_deployment(request: ApiRequest, workflow_id: str, body: PlanRequest) -> dict[str, Any]:
    """Return what deploying the newest version would change. Nothing is changed."""
    workflow = workflow_for(request.auth, workflow_id)
    target = target_for(request.auth, id_=body.connection_id, name=body.target)
    planned = plan.plan(workflow, target, consent=Consent(overwrite=body.overwrite))
    return {
        "can_deploy": planned.can_deploy,
        "is_new": planned.is_new,
        "live_version": planned.live_version,
        "changes": planned.changes,
        "uncompared_secrets": list(planned.uncompared_secrets),
        "findings": planned.findings,
        "runs_in_progress": dict(planned.runs),
    }


@operation(router, "GET", "/deployments", permission=VIEW, responses={200: ListOf[DeploymentOut]})
def list_deployments(request: ApiRequest, query: Query[DeploymentQuery]) -> dict[str, Any]:
    """List deployments, the newest first."""
    return _list(request.auth, Deployment.objects.all(), query)


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/deployments",
    permission=VIEW,
    responses={200: ListOf[DeploymentOut]},
)
def list_workflow_deployments(
    request: ApiRequest, workflow_id: str, query: Query[DeploymentQuery]
) -> dict[str, Any]:
    """List the deployments of a workflow, which may be deleted, the newest first."""
    request.auth.require_workflow(workflow_id)
    rows = Deployment.objects.filter(workflow_public_id=workflow_id)
    return _list(request.auth, rows, query)


@operation(
    router,
    "GET",
    "/deployments/{key:deployment_id}",
    permission=VIEW,
    responses={200: DeploymentDetail},
)
def get_deployment(request: ApiRequest, deployment_id: int) -> dict[str, Any]:
    """Return a deployment with its stages, problems and parts."""
    return full_deployment(_deployment(request.auth, deployment_id))


@operation(
    router,
    "GET",
    "/deployments/{key:deployment_id}/events",
    permission=VIEW,
    responses={200: ListOf[StageOut]},
)
def list_deployment_events(
    request: ApiRequest, deployment_id: int, query: Query[EventQuery]
) -> dict[str, Any]:
    """List the stages that a deployment has entered so far, in order."""
    records = _deployment(request.auth, deployment_id).records.filter(number__gt=query.after)
    return listed([stage_of(record) for record in records.order_by("number")])


@operation(
    router,
    "GET",
    "/deployments/{key:deployment_id}/output",
    permission=VIEW,
    responses={200: ListOf[OutputOut]},
)
def list_deployment_output(request: ApiRequest, deployment_id: int) -> dict[str, Any]:
    """List the output of the programs that a deployment ran."""
    shown = ("program", "exit_code", "seconds", "text", "ended_at")
    return listed(
        [
            {"id": str(output.pk), **{name: getattr(output, name) for name in shown}}
            for output in _deployment(request.auth, deployment_id).outputs.all()
        ]
    )


@operation(
    router,
    "POST",
    "/deployments/{key:deployment_id}/cancel",
    permission=CANCEL,
    scope=Scope.DEPLOY,
    responses={200: DeploymentOut},
)
def cancel_deployment(request: ApiRequest, deployment_id: int) -> dict[str, Any]:
    """Cancel a deployment; one that is running ends within seconds. After the end, nothing changes."""
    deployment = _deployment(request.auth, deployment_id)
    control.cancel(deployment, by=request.auth.actor)
    deployment.refresh_from_db()
    return deployment_of(deployment)


@operation(
    router,
    "POST",
    "/deployments/{key:deployment_id}/retry",
    permission=DEPLOY,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={202: DeploymentOut},
)
def retry_deployment(request: ApiRequest, deployment_id: int, body: ConsentBody) -> Status[Any]:
    """Retry the parts of a deployment that failed."""
    earlier = _deployment(request.auth, deployment_id)
    with as_conflict(Busy):
        made = control.retry_failed(earlier, by=request.auth.actor, consent=consent_of(body))
    return Status(202, deployment_of(made))


@operation(
    router,
    "POST",
    "/deployments/{key:deployment_id}/redeploy",
    permission=DEPLOY,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={202: DeploymentOut},
)
def redeploy_snapshot(request: ApiRequest, deployment_id: int, body: ConsentBody) -> Status[Any]:
    """Deploy what an earlier deployment deployed, with the current variables and secrets."""
    earlier = _deployment(request.auth, deployment_id)
    with as_conflict(Busy):
        made = deploy.request_snapshot(earlier, by=request.auth.actor, consent=consent_of(body))
    return Status(202, deployment_of(made))


@operation(
    router,
    "POST",
    "/deployments/{key:deployment_id}/rollback",
    permission=ROLL_BACK,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={202: DeploymentOut},
)
def roll_back_to(request: ApiRequest, deployment_id: int, body: ConsentBody) -> Status[Any]:
    """Make the version of an earlier deployment live again, cancelling what is queued or running."""
    return Status(202, _roll_back(request.auth, _deployment(request.auth, deployment_id), body))


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/rollback",
    permission=ROLL_BACK,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={202: DeploymentOut},
)
def roll_back_workflow(request: ApiRequest, workflow_id: str, body: TargetedBody) -> Status[Any]:
    """Make the version live again that was live before the current one."""
    workflow = workflow_for(request.auth, workflow_id)
    target = target_for(request.auth, id_=body.connection_id, name=body.target)
    earlier = control.previously_live(workflow.pk, target)
    if earlier is None:
        raise ApiError(409, f"There is no earlier live deployment on {target.name}.")
    return Status(202, _roll_back(request.auth, earlier, body))


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/takedown",
    permission=TAKE_DOWN,
    scope=Scope.DEPLOY,
    is_deploy=True,
    responses={202: DeploymentOut},
)
def take_down_workflow(request: ApiRequest, workflow_id: str, body: TargetedBody) -> Status[Any]:
    """Remove the Worker of a workflow from a target, with its routes, schedules and runs."""
    workflow = workflow_for(request.auth, workflow_id)
    target = target_for(request.auth, id_=body.connection_id, name=body.target)
    with as_conflict(Busy):
        made = control.take_down(
            workflow,
            target,
            by=request.auth.actor,
            reason=body.reason.strip(),
            consent=consent_of(body),
        )
    return Status(202, deployment_of(made))


def _roll_back(caller: Caller, to: Deployment, body: ConsentBody) -> dict[str, Any]:
    with as_conflict(Busy):
        made = control.roll_back(
            to, by=caller.actor, reason=body.reason.strip(), consent=consent_of(body)
        )
    return deployment_of(made)


def _list(caller: Caller, rows: QuerySet[Deployment], query: DeploymentQuery) -> dict[str, Any]:
    rows = caller.within(rows.only(*LISTED), workflow="workflow_public_id", target="target")
    if query.connection_id:
        rows = rows.filter(target=read_key(query.connection_id) or 0)
    if query.status:
        rows = rows.filter(status=query.status.value)
    page = page_of(rows, query, order=("-pk",), name="deployments")
    return listed([deployment_of(row) for row in page.rows], page.next_cursor)


def _deployment(caller: Caller, pk: int) -> Deployment:
    rows = Deployment.objects.select_related("workflow", "target").defer("target__api_token")
    deployment = rows.get(pk=pk)
    caller.require_workflow(deployment.workflow_public_id)
    if deployment.target_id:
        caller.require_target(deployment.target_id)
    return deployment
