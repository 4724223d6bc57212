"""Events that start runs."""

from __future__ import annotations

from typing import Any

from ninja import Body, Router
from ninja.responses import Status

from api.conventions.callers import ApiRequest
from api.conventions.idempotency import checked_key
from api.conventions.operations import Repeats, operation
from api.conventions.problems import ApiError
from api.schemas.events import StartedRuns
from api.scopes import Scope
from runs.permissions import TRIGGER
from runs.services.event_triggers import BadEventType, NoListener, start_runs

router = Router(tags=["Runs"])


@operation(
    router,
    "POST",
    "/events/{str:event_type}",
    permission=TRIGGER,
    scope=Scope.DEPLOY,
    responses={202: StartedRuns},
    errors=[404, 502],
    repeats=Repeats.OWN,
)
def raise_event(request: ApiRequest, event_type: str, payload: Body[Any] = None) -> Status[Any]:
    """Start a run of each live workflow with a trigger for this event; the body is the payload.

    The same `Idempotency-Key` starts one run for each workflow.
    """
    request.auth.require_all_workflows()
    request.auth.require_all_targets()
    key = checked_key(request)
    try:
        started = start_runs(event_type, payload, by=request.auth.actor, key=key)
    except BadEventType as error:
        raise ApiError(400, str(error)) from None
    except NoListener as error:
        raise ApiError(404, str(error)) from None
    data = [run.as_json() for run in started]
    if all(run.error for run in started):
        raise ApiError(502, "No run could be started. Try again.", details=data)
    return Status(202, {"data": data})
