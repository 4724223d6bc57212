"""The stage records as an event log: who may read a channel, and what it holds.

Channels are `deployment-<id>` and `deployments`, the dashboard's, which has an event for each
change of any deployment.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django_eventstream.channelmanager import DefaultChannelManager
from django_eventstream.event import Event
from django_eventstream.storage import StorageBase

from deployments.models import Deployment, StageRecord
from deployments.permissions import VIEW
from deployments.pipeline.stages import Action, Stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

ALL = "deployments"
STAGE = "message"  # the default event type
RESULT = "result"
_ONE = "deployment-"


def channel_of(deployment_id: int) -> str:
    return f"{_ONE}{deployment_id}"


def may_read(user: User | AnonymousUser | None) -> bool:
    """Who may see deployments may read their channels; nobody else (the pages are for staff)."""
    seen_by = user and user.is_active and user.is_staff
    return bool(seen_by and user and user.has_perm(VIEW))


class DeploymentChannels(DefaultChannelManager):  # type: ignore[misc]
    """The package's default lets everybody read every channel."""

    def can_read_channel(self, user: User | AnonymousUser | None, channel: str) -> bool:
        return channel.startswith(ALL[:-1]) and may_read(user)


class StageRecordStorage(StorageBase):  # type: ignore[misc]
    """Reads events from the stage records; there is no second copy to append to."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        raise NotImplementedError(
            "Events are stage records: deployments.queue.transitions writes them."
        )

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return the channel's events after the record numbered `last_id`, in order."""
        make = change_event if channel == ALL else stage_event
        return [make(record) for record in _records(channel, last_id)[:limit]]

    def get_current_id(self, channel: str) -> int:
        cursor = "pk" if channel == ALL else "number"
        return _records(channel, 0).values_list(cursor, flat=True).last() or 0


def _records(channel: str, last_id: int) -> Any:
    if channel == ALL:
        return StageRecord.objects.filter(pk__gt=last_id).order_by("pk")
    pk = _id_of(channel)
    return StageRecord.objects.filter(deployment=pk, number__gt=last_id).order_by("number")


def _id_of(channel: str) -> int:
    return int(channel.removeprefix(_ONE))


def deployment_of(channel: str) -> Deployment:
    return Deployment.objects.get(pk=_id_of(channel))


def stage_event(record: StageRecord) -> Event:
    """The event of one record on its deployment's channel; its id is the record's number."""
    data = json.dumps(record.as_event(), ensure_ascii=False)
    return Event(channel_of(record.deployment_id), STAGE, data, id=record.number)


def change_event(record: StageRecord) -> Event:
    """The dashboard's small event: which deployment changed. Pages render from the database."""
    data = json.dumps({"id": record.deployment_id, "stage": record.stage})
    return Event(ALL, STAGE, data, id=record.pk)


def queued_event(deployment_id: int) -> Event:
    return Event(ALL, STAGE, json.dumps({"id": deployment_id, "stage": ""}), id=None)


def result_event(deployment: Deployment) -> Event:
    """The last event: how the deployment ended."""
    data = json.dumps(result_of(deployment), ensure_ascii=False)
    return Event(channel_of(deployment.pk), RESULT, data, id=None)


def result_of(deployment: Deployment) -> dict[str, Any]:
    """Return how a deployment ended, as streams and commands tell it."""
    names = ("id", "status", "stage", "message", "worker_name", "worker_url")
    told = {name: getattr(deployment, name) for name in names}
    return told | ({"worker_url": ""} if deployment.work is Action.TAKEDOWN else {})


def result_after(channel: str, known: int) -> bytes:
    """Return the result, encoded, for a client that has seen all stages up to `known`.

    b"" while the deployment goes on or has stages that the client has not seen.
    """
    deployment = deployment_of(channel)
    if not deployment.is_final or deployment.records.filter(number__gt=known).exists():
        return b""
    return encode(result_event(deployment))


def is_last(event: Event) -> bool:
    """Tell whether no stage follows this one."""
    return event.type == STAGE and Stage(json.loads(event.data)["stage"]).is_last


def encode(event: Event) -> bytes:
    """Return the event as SSE; a stage has no `event:` line, which makes it the default type."""
    lines = [] if event.type == STAGE else [f"event: {event.type}"]
    lines += [] if event.id is None else [f"id: {event.id}"]
    return "\n".join([*lines, f"data: {event.data}", "", ""]).encode()


def encode_all(events: Iterable[Event]) -> bytes:
    return b"".join(map(encode, events))
