"""Controlling runs: pausing, resuming, restarting, terminating and deleting them, and sending events."""

from __future__ import annotations

from typing import Any

from ninja.responses import Status

from api.conventions.callers import ApiRequest
from api.conventions.errors import of_target
from api.conventions.operations import operation
from api.conventions.problems import ApiError
from api.routes.runs import router, run_for
from api.schemas.runs import ControlBody, EventBody, EventSent, RunOut, run_of
from api.scopes import Scope
from runs import presentation
from runs.models import Run
from runs.permissions import CONTROL, TRIGGER
from runs.services import control

__all__ = ["router"]  # that of the runs: all methods of an address must have the same router


def _declare(action: str, doc: str) -> None:
    """Add the operation of an action."""

    def change(
        request: ApiRequest, workflow_id: str, run_id: str, body: ControlBody
    ) -> dict[str, Any]:
        return run_of(_change(request, workflow_id, run_id, action, body))

    change.__name__, change.__doc__ = f"{action}_run", doc
    operation(
        router,
        "POST",
        f"/workflows/{{slug:workflow_id}}/runs/{{str:run_id}}/{action}",
        permission=CONTROL,
        scope=Scope.DEPLOY,
        responses={200: RunOut},
        errors=[409, 502],
    )(change)


_declare("pause", "Pause a run. The running step finishes first.")
_declare("resume", "Resume a run that is paused.")
_declare("restart", "Restart a run from the start, or from a step.")
_declare("terminate", "Terminate a run, after undoing its steps if `rollback` is set.")


@operation(
    router,
    "DELETE",
    "/workflows/{slug:workflow_id}/runs/{str:run_id}",
    permission=CONTROL,
    scope=Scope.DEPLOY,
    responses={204: None},
    errors=[409, 502],
)
def delete_run(request: ApiRequest, workflow_id: str, run_id: str) -> Status[None]:
    """Delete a run on its target."""
    _change(request, workflow_id, run_id, "delete", ControlBody.model_validate({}))
    return Status(204, None)


@operation(
    router,
    "POST",
    "/workflows/{slug:workflow_id}/runs/{str:run_id}/events",
    permission=TRIGGER,
    scope=Scope.DEPLOY,
    responses={202: EventSent},
    errors=[409, 502],
)
def send_run_event(
    request: ApiRequest, workflow_id: str, run_id: str, body: EventBody
) -> Status[Any]:
    """Send an event to a run. Approvals are decided by people."""
    run = run_for(request.auth, workflow_id, run_id)
    if not run.is_open:
        raise ApiError(409, f"The run is {run.status_label.lower()} and accepts no events.")
    with of_target():
        sent = control.send_event(
            run, body.type, body.payload, by=request.auth.actor, reason=body.reason.strip()
        )
    return Status(202, {"run": run_of(sent.run), "note": sent.note})


def _change(
    request: ApiRequest, workflow_id: str, run_id: str, action: str, body: ControlBody
) -> Run:
    run = run_for(request.auth, workflow_id, run_id)
    if action not in presentation.available_actions(run):
        raise ApiError(409, f"You cannot {action} a run that is {run.status_label.lower()}.")
    with of_target():
        return control.change(
            run,
            action,
            by=request.auth.actor,
            reason=body.reason.strip(),
            from_step=body.from_step,
            rollback=body.rollback,
        )
