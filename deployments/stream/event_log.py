"""The stage records as an event log with channels.

Channels are `deployment-<id>` and `deployments`, which has an event for each change to any
deployment.
"""

from __future__ import annotations

import json
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
PROGRESS = "progress"
RESULT = "result"
ROWS = "stages"  # HTML for open pages; it has no id and is not stored
_ONE = "deployment-"
_RESULT = ("id", "status", "stage", "message", "worker_name", "worker_url")


def channel_of(deployment_id: int) -> str:
    """Return the name of the deployment's own channel."""
    return f"{_ONE}{deployment_id}"


def may_read(user: User | AnonymousUser | None) -> bool:
    """Return whether the user may view deployments, and so read their channels."""
    return bool(user and user.is_active and user.is_staff and user.has_perm(VIEW))


class DeploymentChannels(DefaultChannelManager):  # type: ignore[misc]
    """Restricts channels: by default, django-eventstream lets everyone read all of them."""

    def can_read_channel(self, user: User | AnonymousUser | None, channel: str) -> bool:
        return channel.startswith(ALL[:-1]) and may_read(user)


class StageRecordStorage(StorageBase):  # type: ignore[misc]
    """Reads events from the stage records, which are written elsewhere."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        raise NotImplementedError(
            "Events are stage records: deployments.queue.transitions writes them."
        )

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return the channel's events after `last_id`, in order."""
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


def stage_event(record: StageRecord) -> Event:
    """Return the event on the deployment's channel; its id is the record's number."""
    data = json.dumps(record.as_event(), ensure_ascii=False)
    return Event(channel_of(record.deployment_id), STAGE, data, id=record.number)


def change_event(record: StageRecord) -> Event:
    """Return the event on the common channel: the id and the stage of the deployment."""
    data = json.dumps({"id": record.deployment_id, "stage": record.stage})
    return Event(ALL, STAGE, data, id=record.pk)


def queued_event(deployment_id: int) -> Event:
    """Return the event of a new deployment: it has no stage and no id yet."""
    return Event(ALL, STAGE, json.dumps({"id": deployment_id, "stage": ""}), id=None)


def result_event(deployment: Deployment) -> Event:
    """Return the last event: the result of the deployment."""
    data = json.dumps(result_of(deployment), ensure_ascii=False)
    return Event(channel_of(deployment.pk), RESULT, data, id=None)


def result_of(deployment: Deployment) -> dict[str, Any]:
    """Return the result of a deployment, as in event streams and commands."""
    fields = {name: getattr(deployment, name) for name in _RESULT}
    return fields | ({"worker_url": ""} if deployment.work is Action.TAKEDOWN else {})


def result_after(channel: str, last_id: int) -> bytes:
    """Return the encoded result for a client that has seen all stages up to `last_id`.

    Returns b"" while the deployment runs or has stages that the client has not seen.
    """
    deployment = Deployment.objects.only(*_RESULT, "action").get(pk=_id_of(channel))
    if not deployment.is_final or deployment.records.filter(number__gt=last_id).exists():
        return b""
    return encode(result_event(deployment))


def is_last(event: Event) -> bool:
    """Return whether no stage follows this one."""
    return event.type == STAGE and Stage(json.loads(event.data)["stage"]).is_last


def encode(event: Event) -> bytes:
    """Return the event as SSE; a stage has no `event:` line, as it is the default type."""
    lines = [] if event.type == STAGE else [f"event: {event.type}"]
    lines += [] if event.id is None else [f"id: {event.id}"]
    return "\n".join([*lines, f"data: {event.data}", "", ""]).encode()


def encode_named(event: Event) -> bytes:
    """Return a stage as AwaitStep's clients expect it: named `progress`, with ids that count from 0."""
    return encode(Event(event.channel, PROGRESS, event.data, id=event.id - 1))
