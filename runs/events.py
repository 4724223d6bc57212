"""Events that start runs: each live workflow whose trigger names the type gets a run of its own."""

from __future__ import annotations

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from deployments import records
from deployments.errors import DeployError
from deployments.models import Deployment
from runs.services import Runs, runs_on
from workflows.ir.problems import quoted
from workflows.ir.triggers import EVENT_TYPE, EVENT_TYPE_RULE
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


def raise_event(event_type: str, payload: Any, *, key: str = "") -> list[Raised]:
    """Start a run of each workflow that the event starts, with the payload as its own.

    The same key starts one run for each workflow, however often it comes. Raises BadEventType, and
    NoListener where there is none: most likely the type is misspelt, and nobody would notice.
    """
    if not EVENT_TYPE.fullmatch(event_type):
        raise BadEventType(f"The event's type {EVENT_TYPE_RULE}, not {quoted(event_type)}.")
    started = [_Start.of(one, payload, event_type=event_type, key=key) for one in _live(event_type)]
    if not started:
        raise NoListener(
            f"No deployed workflow is started by the event {quoted(event_type)}. Deploy one that has "
            "this trigger, or correct the type."
        )
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return list(threads.map(_Start.perform, started))


def _live(event_type: str) -> QuerySet[Deployment]:
    """Return what is live of each workflow, where its trigger is this event."""
    newest = records.still_live().filter(workflow=OuterRef("pk")).order_by("-pk")
    live = Workflow.objects.annotate(live=Subquery(newest.values("pk")[:1]))
    listening = Deployment.objects.filter(
        pk__in=live.values("live"), ir__trigger__type="event", ir__trigger__eventType=event_type
    )
    return listening.select_related("target").order_by("workflow_public_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """A run to be started, looked up before threads are, which have no database."""

    workflow_id: str
    runs: Runs | None
    payload: Any
    instance_id: str
    is_repeatable: bool
    refusal: str = ""

    @classmethod
    def of(cls, live: Deployment, payload: Any, *, event_type: str, key: str) -> _Start:
        workflow_id, refusal, runs = live.workflow_public_id, "", None
        try:
            runs = runs_on(live)
        except DeployError as error:
            refusal = str(error)
        return cls(
            workflow_id=workflow_id,
            runs=runs,
            payload=payload,
            instance_id=_instance_id(workflow_id, event_type, key),
            is_repeatable=bool(key),
            refusal=refusal,
        )

    def perform(self) -> Raised:
        if self.runs is None:
            return Raised(workflow_id=self.workflow_id, error=self.refusal)
        try:
            if not (self.is_repeatable and self.runs.has(self.instance_id)):
                self.runs.start(self.payload, self.instance_id)
        except DeployError as error:
            return Raised(workflow_id=self.workflow_id, error=str(error))
        return Raised(workflow_id=self.workflow_id, instance_id=self.instance_id)


def _instance_id(workflow_id: str, event_type: str, key: str) -> str:
    """Return an id of Cloudflare's form by which the run is known as an event's; one for each key."""
    if not key:
        return f"event-{secrets.token_hex(32)}"
    digest = hashlib.sha256("\n".join([workflow_id, event_type, key]).encode()).hexdigest()
    return f"event-{digest}"
