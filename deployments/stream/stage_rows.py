"""The rows of the stage list that a new stage changes, rendered once for all open pages."""

from __future__ import annotations

from typing import Final

from django.template.loader import render_to_string
from django.utils import timezone
from django_eventstream.event import Event

from deployments.models import StageRecord
from deployments.presentation.stage_list import steps
from deployments.stream.event_log import encode, stage_event

ROWS: Final = "stages"  # the type of events that carry rows


class StageEvent(Event):  # type: ignore[misc]
    """A stage's event; `rows` is the HTML of its own row and of the row before it, on one line."""

    rows: str


def stage_event_with_rows(record: StageRecord) -> StageEvent:
    """Return the record's event; reads the deployment and its records."""
    plain = stage_event(record)
    event = StageEvent(plain.channel, plain.type, plain.data, id=plain.id)
    event.rows = _render(record)
    return event


def encode_with_rows(event: Event) -> bytes:
    """Return the event as SSE, followed by its rows unless it was read from the database."""
    rows = getattr(event, "rows", "")
    return encode(event) + (f"event: {ROWS}\ndata: {rows}\n\n".encode() if rows else b"")


def _render(record: StageRecord) -> str:
    deployment = record.deployment
    records = deployment.records.filter(number__lte=record.number).order_by("number")
    shown = steps(deployment, records, now=timezone.now())
    reached = [step for step in shown if step.state != "pending"]
    html = render_to_string("deployments/deployment/_changed_stages.html", {"steps": reached[-2:]})
    return " ".join(html.split())
