"""Feeds new stage records and queued deployments to the open event streams."""

from __future__ import annotations

from django.db.models import Max, QuerySet
from django_eventstream.views import ListenerManager

from deployments.models import Deployment, StageRecord
from deployments.stream import event_log
from deployments.stream.stage_rows import rows_event


class StageReader:
    """Starts at the newest rows, because streams read older ones themselves."""

    def __init__(self) -> None:
        self.record = StageRecord.objects.aggregate(newest=Max("pk"))["newest"] or 0
        self.deployment = Deployment.objects.aggregate(newest=Max("pk"))["newest"] or 0

    def read(self, listeners: ListenerManager) -> None:
        for pk in _newer_deployments(self.deployment):
            self.deployment = pk
            listeners.add_to_queues(event_log.ALL, event_log.queued_event(pk))
        for record in _newer_records(self.record):
            self.record = record.pk
            stage = event_log.stage_event(record)
            listeners.add_to_queues(stage.channel, stage)
            listeners.add_to_queues(event_log.ALL, event_log.change_event(record))
            if stage.channel in listeners.listeners_by_channel:
                listeners.add_to_queues(stage.channel, rows_event(record))


def _newer_deployments(pk: int) -> list[int]:
    newer = Deployment.objects.filter(pk__gt=pk).order_by("pk")
    return list(newer.values_list("pk", flat=True))


def _newer_records(pk: int) -> QuerySet[StageRecord]:
    return StageRecord.objects.filter(pk__gt=pk).order_by("pk")
