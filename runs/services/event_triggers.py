"""Events that start runs: each live workflow whose trigger names the type gets a run of its own."""

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
from runs.services.control import Sent, Start, settle
from runs.sync.call_budget import Budget, Use
from targets.cloudflare.errors import DeployError
from workflows.ir.document.triggers import EVENT_TYPE, EVENT_TYPE_RULE
from workflows.ir.reading.problems import quoted
from workflows.models import Workflow

_AT_ONCE = 8


class NoListener(Exception):
    """No live workflow is started by this event."""


class BadEventType(Exception):
    """No event can have this type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """What an event came to in one workflow: the run's id, or why there is none."""

    workflow_id: str
    instance_id: str = ""
    error: str = ""

    def as_json(self) -> dict[str, str]:
        told = {"error": self.error} if self.error else {"instanceId": self.instance_id}
        return {"workflowId": self.workflow_id, **told}


def raise_event(event_type: str, payload: Any, *, by: Actor, key: str = "") -> list[Raised]:
    """Start a run of each workflow that the event starts, with the payload as its own.

    The same key starts one run for each workflow, however often it comes. Raises BadEventType, and
    NoListener where there is none: most likely the type is misspelt, and nobody would notice.
    """
    if not EVENT_TYPE.fullmatch(event_type):
        raise BadEventType(f"The event's type {EVENT_TYPE_RULE}, not {quoted(event_type)}.")
    asked = [_asked(one, payload, _instance_id(one, event_type, key)) for one in _live(event_type)]
    if not asked:
        raise NoListener(
            f"No deployed workflow is started by the event {quoted(event_type)}. Deploy one that has "
            "this trigger, or correct the type."
        )
    starts = [start for _, start in asked if isinstance(start, Start)]
    for account_id, runs in Counter(start.account.account_id for start in starts).items():
        Budget(account_id).spend(Use.PAGES, runs * Start.CALLS)
    with ThreadPoolExecutor(_AT_ONCE) as threads:  # these have no database
        sent = list(threads.map(_sent, [start for _, start in asked]))
    about = {"by": by, "event": event_type}
    return [_raised(live, *one, about) for (live, _), one in zip(asked, sent, strict=True)]


def _live(event_type: str) -> QuerySet[Deployment]:
    """Return what is live of each workflow, where its trigger is this event."""
    newest = records.not_taken_down().filter(workflow=OuterRef("pk")).order_by("-pk")
    live = Workflow.objects.annotate(live=Subquery(newest.values("pk")[:1]))
    listening = Deployment.objects.filter(
        pk__in=live.values("live"), ir__trigger__type="event", ir__trigger__eventType=event_type
    )
    return listening.select_related("target").order_by("workflow_public_id")


def _asked(live: Deployment, payload: Any, instance_id: str) -> tuple[Deployment, Start | str]:
    """Return the start of a run, or why there can be none."""
    try:
        return live, Start.of(live, payload, instance_id=instance_id)
    except DeployError as refused:
        return live, str(refused)


def _sent(start: Start | str) -> tuple[Start | None, Sent | str]:
    if isinstance(start, str):
        return None, start
    try:
        return start, start.send()
    except DeployError as refused:
        return start, str(refused)


def _raised(
    live: Deployment, start: Start | None, sent: Sent | str, about: dict[str, Any]
) -> Raised:
    if start is None or isinstance(sent, str):
        return Raised(workflow_id=live.workflow_public_id, error=str(sent))
    started = settle(start, sent, **about)
    return Raised(workflow_id=live.workflow_public_id, instance_id=started.run.instance_id)


def _instance_id(live: Deployment, event_type: str, key: str) -> str:
    """Return an id of Cloudflare's form by which the run is known as an event's; one for each key."""
    if not key:
        return f"event-{secrets.token_hex(32)}"
    told = "\n".join([live.workflow_public_id, event_type, key])
    return f"event-{hashlib.sha256(told.encode()).hexdigest()}"
