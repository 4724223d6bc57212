"""Alerts: the list, acknowledging and resolving them."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router

from alerts import services
from alerts.models import Alert
from alerts.permissions import ACKNOWLEDGE, VIEW
from api.conventions.callers import ApiRequest, Caller
from api.conventions.operations import operation
from api.conventions.paging import page_of
from api.conventions.problems import ApiError
from api.conventions.schema import ListOf, listed
from api.schemas.operations import AlertOut, AlertQuery, alert_of

router = Router(tags=["Alerts"])


@operation(router, "GET", "/alerts", permission=VIEW, responses={200: ListOf[AlertOut]})
def list_alerts(request: ApiRequest, query: Query[AlertQuery]) -> dict[str, Any]:
    """List alerts, the newest first."""
    rows = request.auth.within(Alert.objects.all(), workflow="workflow", target="target")
    if query.open is not None:
        rows = rows.filter(resolved_at__isnull=query.open)
    if query.workflow_id:
        rows = rows.filter(workflow=query.workflow_id)
    page = page_of(rows, query, order=("-pk",), name="alerts")
    return listed([alert_of(row) for row in page.rows], page.next_cursor)


@operation(router, "GET", "/alerts/{key:alert_id}", permission=VIEW, responses={200: AlertOut})
def get_alert(request: ApiRequest, alert_id: int) -> dict[str, Any]:
    """Return an alert."""
    return alert_of(_alert(request.auth, alert_id))


@operation(
    router,
    "POST",
    "/alerts/{key:alert_id}/acknowledge",
    permission=ACKNOWLEDGE,
    responses={200: AlertOut},
)
def acknowledge_alert(request: ApiRequest, alert_id: int) -> dict[str, Any]:
    """Record that someone is taking care of an open alert, which ends its reminders."""
    alert = _alert(request.auth, alert_id)
    if not services.acknowledge(alert, by=request.auth.actor):
        raise ApiError(409, "The alert is resolved, or someone has acknowledged it already.")
    return alert_of(_alert(request.auth, alert_id))


@operation(
    router,
    "POST",
    "/alerts/{key:alert_id}/resolve",
    permission=ACKNOWLEDGE,
    responses={200: AlertOut},
)
def resolve_alert(request: ApiRequest, alert_id: int) -> dict[str, Any]:
    """End an open alert about failures that someone has dealt with."""
    alert = _alert(request.auth, alert_id)
    if not services.resolve(alert, by=request.auth.actor):
        raise ApiError(409, "The alert is resolved already, or ends when its cause is gone.")
    return alert_of(_alert(request.auth, alert_id))


def _alert(caller: Caller, pk: int) -> Alert:
    alert = Alert.objects.get(pk=pk)
    if alert.workflow_id:
        caller.require_workflow(alert.workflow_id)
    else:
        caller.require_all_workflows()
    if alert.target_id:
        caller.require_target(alert.target_id)
    return alert
