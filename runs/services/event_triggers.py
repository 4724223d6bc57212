"""Events that start runs: one run of each live workflow whose trigger has the event's type."""

from __future__ import annotations

import hashlib
import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from runs.services.control import Start, StartResponse, record_start
from runs.sync.call_budget import Budget, Use
from targets.cloudflare.errors import DeployError
from workflows.ir.document.triggers import EVENT_TYPE, EVENT_TYPE_RULE
from workflows.ir.reading.problems import quoted
from workflows.models import Workflow

_THREADS = 8


class NoListener(Exception):
    """No live workflow is started by this event."""


class BadEventType(Exception):
    """The event type is not valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResult:
    """What an event did in one workflow: the id of the run, or why there is none."""

    workflow_id: str
    instance_id: str = ""
    error: str = ""

    def as_json(self) -> dict[str, str]:
        result = {"error": self.error} if self.error else {"instanceId": self.instance_id}
        return {"workflowId": self.workflow_id, **result}


def start_runs(event_type: str, payload: Any, *, by: Actor, key: str = "") -> list[StartResult]:
    """Start a run, with the event's payload, of each workflow that the event triggers.

    A key that is used twice starts one run per workflow. Raises BadEventType, and NoListener if no
    workflow listens: the type is probably misspelled, which would otherwise go unnoticed.
    """
    if not EVENT_TYPE.fullmatch(event_type):
        raise BadEventType(f"The event's type {EVENT_TYPE_RULE}, not {quoted(event_type)}.")
    deployments = list(_listeners(event_type))
    if not deployments:
        raise NoListener(
            f"No deployed workflow is started by the event {quoted(event_type)}. Deploy one that has "
            "this trigger, or correct the type."
        )
    starts = [_prepare(live, payload, _instance_id(live, event_type, key)) for live in deployments]
    ready = [start for start in starts if isinstance(start, Start)]
    for account_id, runs in Counter(start.account.account_id for start in ready).items():
        Budget(account_id).spend(Use.PAGES, runs * Start.CALLS)
    with ThreadPoolExecutor(_THREADS) as threads:  # the threads use no database
        responses = list(threads.map(_send, starts))
    detail = {"by": by, "event": event_type}
    triples = zip(deployments, starts, responses, strict=True)
    return [_result(live, start, response, detail) for live, start, response in triples]


def _listeners(event_type: str) -> QuerySet[Deployment]:
    """Return the live deployments whose trigger is this event."""
    newest = records.not_taken_down().filter(workflow=OuterRef("pk")).order_by("-pk")
    live = Workflow.objects.annotate(live=Subquery(newest.values("pk")[:1]))
    listening = Deployment.objects.filter(
        pk__in=live.values("live"), ir__trigger__type="event", ir__trigger__eventType=event_type
    )
    return listening.select_related("target").order_by("workflow_public_id")


def _prepare(live: Deployment, payload: Any, instance_id: str) -> Start | str:
    """Return the start of a run, or why it is not possible."""
    try:
        return Start.of(live, payload, instance_id=instance_id)
    except DeployError as error:
        return str(error)


def _send(start: Start | str) -> StartResponse | str:
    if isinstance(start, str):
        return start
    try:
        return start.send()
    except DeployError as error:
        return str(error)


def _result(
    live: Deployment, start: Start | str, response: StartResponse | str, detail: dict[str, Any]
) -> StartResult:
    if isinstance(start, str) or isinstance(response, str):
        return StartResult(workflow_id=live.workflow_public_id, error=str(response))
    started = record_start(start, response, **detail)
    return StartResult(workflow_id=live.workflow_public_id, instance_id=started.run.instance_id)


def _instance_id(live: Deployment, event_type: str, key: str) -> str:
    """Return an id that marks the run as started by an event; the same for the same key."""
    if not key:
        return f"event-{secrets.token_hex(32)}"
    identity = "\n".join([live.workflow_public_id, event_type, key])
    return f"event-{hashlib.sha256(identity.encode()).hexdigest()}"
