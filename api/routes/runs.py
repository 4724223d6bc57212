"""Runs: starting one or many, listing, searching, and one with its steps."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from ninja import Query, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest, Caller
from api.conventions.errors import as_conflict, of_target
from api.conventions.operations import operation
from api.conventions.paging import page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.lookup import target_for, workflow_for
from api.schemas.runs import (
    AllRunsQuery,
    BatchBody,
    BatchOut,
    RunDetail,
    RunOut,
    RunQuery,
    StartedOut,
    TriggerBody,
    batch_of,
    filters_of,
    full_run,
    lines_of,
    run_of,
)
from api.scopes import Scope
from deployments.models import Deployment
from runs import presentation
from runs.bulk import batch_start
from runs.detail import fetch
from runs.index import listing
from runs.models import BulkChange, Run
from runs.permissions import TRIGGER, VIEW
from runs.services import control, lookup
from runs.services.control import Refused
from runs.services.instances import NoRun
from runs.services.start_options import StartOptions, read_options
from web.converters import read_key
from workflows.ir.document.kinds import SCRIPT, kind_of

router = Router(tags=["Runs"])


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/trigger",
    permission=TRIGGER,
    scope=Scope.DEPLOY,
    responses={200: StartedOut, 201: StartedOut},
    errors=[409, 502],
)
def trigger_workflow(request: ApiRequest, workflow_id: str, body: TriggerBody) -> Status[Any]:
    """Start a run. An `instanceId` that is used twice starts one run; then the status is 200."""
    live = live_deployment(request.auth, workflow_id, body.connection_id)
    with of_target():
        started = control.trigger(
            live,
            body.params,
            by=request.auth.actor,
            instance_id=body.instance_id,
            options=_options(body),
            workflow=body.workflow_name,
        )
    answer = {
        "id": str(started.run.pk),
        "instance_id": started.run.instance_id,
        "status": str(started.answer["status"]),
        "is_new": started.is_new,
    }
    return Status(201 if started.is_new else 200, answer)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/trigger-batch",
    permission=TRIGGER,
    scope=Scope.DEPLOY,
    responses={202: BatchOut},
    max_bytes=batch_start.MAX_BYTES,
)
def trigger_batch(request: ApiRequest, workflow_id: str, body: BatchBody) -> Status[Any]:
    """Start many runs in the background. All are checked first; if one is invalid, none is started."""
    live = live_deployment(request.auth, workflow_id, body.connection_id)
    change = batch_start.enqueue(
        live,
        lines_of(body),
        by=request.auth.actor,
        options=_options(body),
        workflow=body.workflow_name,
    )
    return Status(202, batch_of(change))


@operation(router, "GET", "/batches/{key:batch_id}", permission=VIEW, responses={200: BatchOut})
def get_batch(request: ApiRequest, batch_id: int) -> dict[str, Any]:
    """Return how far a batch is."""
    change = BulkChange.objects.select_related("deployment").get(pk=batch_id)
    if change.deployment:
        request.auth.require_workflow(change.deployment.workflow_public_id)
    else:
        request.auth.require_all_workflows()
    return batch_of(change)


@operation(router, "GET", "/runs", permission=VIEW, responses={200: ListOf[RunOut]}, errors=[404])
def list_runs(request: ApiRequest, query: Query[AllRunsQuery]) -> dict[str, Any]:
    """List runs, the newest first. Texts are searched in the newest 30,000 of the other filters."""
    return _list(request.auth, query, workflow=query.workflow_id)


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/runs",
    permission=VIEW,
    responses={200: ListOf[RunOut]},
)
def list_workflow_runs(
    request: ApiRequest, workflow_id: str, query: Query[RunQuery]
) -> dict[str, Any]:
    """List the runs of a workflow, the newest first."""
    workflow = workflow_for(request.auth, workflow_id)
    return _list(request.auth, query, workflow=workflow.pk)


@operation(
    router,
    "GET",
    "/workflows/{slug:workflow_id}/runs/{str:run_id}",
    permission=VIEW,
    responses={200: RunDetail},
    errors=[502],
)
def get_run(request: ApiRequest, workflow_id: str, run_id: str) -> dict[str, Any]:
    """Return a run with its steps, as its target has it now. `runId` is an id, an instance id or "latest"."""
    run = run_for(request.auth, workflow_id, run_id)
    fetched = fetch.fetch_run(run)
    return full_run(run, fetched, presentation.available_actions(run))


def live_deployment(caller: Caller, workflow_id: str, connection_id: str | None) -> Deployment:
    """Return where a workflow is live. Raises ApiError for a script, or if it is live nowhere."""
    workflow = workflow_for(caller, workflow_id)
    target = target_for(caller, id_=connection_id) if connection_id else None
    if target is None and kind_of(workflow.ir) == SCRIPT:
        raise ApiError(400, f"{workflow.name} is a script: it answers requests and has no runs.")
    with as_conflict(Refused):
        live = control.live_of(workflow, target)
    if kind_of(live.ir) == SCRIPT:
        raise ApiError(400, f"{workflow.name} is a script: it answers requests and has no runs.")
    if live.target_id:
        caller.require_target(live.target_id)
    return live


def run_for(caller: Caller, workflow_id: str, run_id: str) -> Run:
    """Return a run of a workflow, which is read from its target if it is not in the index yet."""
    workflow = workflow_for(caller, workflow_id)
    runs = _viewable().filter(workflow=workflow)
    run = runs.filter(instance_id=run_id).first()
    if run is None and (key := read_key(run_id)):
        run = runs.filter(pk=key).first()
    if run is None:
        run = _fetched(caller, workflow_id, run_id)
    caller.require_target(run.target_id)
    return run


def _fetched(caller: Caller, workflow_id: str, run_id: str) -> Run:
    try:
        live = live_deployment(caller, workflow_id, None)
        with of_target():
            return lookup.find_run(live, run_id)
    except NoRun as error:
        raise ApiError(404, str(error)) from None
    except ApiError as error:
        if error.status in (400, 409):  # it is live nowhere, or a script
            raise ApiError(404, f"There is no run {run_id!r}. {error}") from None
        raise


def _viewable() -> QuerySet[Run]:
    return Run.objects.select_related("workflow", "target").defer("target__api_token")


def _list(caller: Caller, query: RunQuery, *, workflow: str) -> dict[str, Any]:
    target = target_for(caller, id_=query.connection_id).name if query.connection_id else ""
    filters = filters_of(query, workflow=workflow, target=target)
    if filters.problem:
        raise ApiError(400, filters.problem)
    rows = caller.within(listing.listed(filters), workflow="workflow", target="target")
    rows = rows.select_related("target").defer("target__api_token")
    page = page_of(rows, query, order=("-created_at", "-pk"), name="runs")
    return listed([run_of(run) for run in page.rows], page.next_cursor)


def _options(body: TriggerBody | BatchBody) -> StartOptions:
    return read_options(
        success=body.success_retention, error=body.error_retention, location=body.location
    )
