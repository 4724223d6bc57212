"""The rows of the stage list that a new stage changes, rendered once for all open pages."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils import timezone
from django_eventstream.event import Event

from deployments.models import StageRecord
from deployments.presentation.stage_list import steps
from deployments.stream.event_log import ROWS, channel_of


def rows_event(record: StageRecord) -> Event:
    """Return the HTML of the record's row and of the row before it, on one line."""
    deployment = record.deployment
    records = deployment.records.filter(number__lte=record.number).order_by("number")
    shown = steps(deployment, records, now=timezone.now())
    reached = [step for step in shown if step.state != "pending"]
    context = {"steps": reached[-2:], "number": record.number}
    html = render_to_string("deployments/deployment/_changed_stages.html", context)
    return Event(channel_of(record.deployment_id), ROWS, " ".join(html.split()), id=None)
