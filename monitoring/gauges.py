"""Figures that are read when they are collected: from the database with a fixed number of queries, or from this process."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from django.conf import settings
from django.db.models import Count, Q
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from alerts.models import Alert, AlertDelivery, DeliveryStatus
from deployments.queue.backlog import backlog
from deployments.stream.event_log import ALL as DEPLOYMENTS
from runs import statuses
from runs.logs.tail_hub import viewer_count
from runs.models import Run
from runs.sync.call_budget import Use, calls_by_account
from targets.models import Target
from web.streams.listener import open_streams
from workflows.code_socket.drafts import POOL

MAX_TARGETS: Final = 200
RUNS_INTERVAL: Final = (
    60.0  # seconds between two counts of runs, which take longer the more there are
)


class Gauges(Collector):
    """The figures of this moment."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._runs: Mapping[str, int] = {}
        self._runs_at: float | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _queue()
        yield self._counted_runs()
        yield from _calls()
        yield from _alerts()
        yield from _open()

    def _counted_runs(self) -> GaugeMetricFamily:
        if self._runs_at is None or self._clock() - self._runs_at >= RUNS_INTERVAL:
            self._runs_at, self._runs = self._clock(), _runs_by_status()
        return _family("runs", "Runs in the index, by status.", "status", self._runs)


def _family(name: str, text: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"awaitstep_{name}", text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _queue() -> Iterator[GaugeMetricFamily]:
    found = backlog()
    values = {"waiting": found.waiting, "running": found.running}
    yield _family("deployments", "Deployments that have not ended.", "state", values)
    yield GaugeMetricFamily(
        "awaitstep_deployment_longest_wait_seconds",
        "How long the oldest deployment that could start has been waiting.",
        value=found.oldest_seconds,
    )


def _runs_by_status() -> Mapping[str, int]:
    counts = Counter(dict.fromkeys(statuses.KNOWN, 0))
    rows = Run.objects.order_by().values_list("status").annotate(Count("pk"))
    for status, count in rows:
        counts[status if status in statuses.KNOWN else "other"] += count
    return counts


def _calls() -> Iterator[GaugeMetricFamily]:
    made = GaugeMetricFamily(
        "awaitstep_target_api_calls",
        "Calls about runs to the account of a target in the last five minutes.",
        labels=["target", "use"],
    )
    targets = dict(Target.objects.order_by("pk").values_list("name", "account_id")[:MAX_TARGETS])
    spent = calls_by_account(set(targets.values()))
    for name, account_id in targets.items():
        for use in Use:
            made.add_metric([name, use.value], spent.get(account_id, {}).get(use, 0))
    yield made
    text = "How many of these calls are allowed in five minutes."
    shares = {use.value: use.share for use in Use}
    yield _family("target_api_calls_limit", text, "use", shares)


def _alerts() -> Iterator[GaugeMetricFamily]:
    unresolved = Alert.objects.filter(resolved_at=None).order_by()
    found = unresolved.aggregate(
        open=Count("pk", filter=Q(acknowledged_at=None)),
        acknowledged=Count("pk", filter=Q(acknowledged_at__isnull=False)),
    )
    yield _family("alerts", "Alerts that have not been resolved.", "state", found)
    rows = AlertDelivery.objects.exclude(status=DeliveryStatus.SENT.value).order_by()
    counts = dict(rows.values_list("status").annotate(Count("pk")))
    not_sent = (DeliveryStatus.WAITING.value, DeliveryStatus.FAILED.value)
    values = {status: counts.get(status, 0) for status in not_sent}
    yield _family("alert_messages", "Messages that are waiting or were given up.", "status", values)


def _open() -> Iterator[GaugeMetricFamily]:
    editors, servers = POOL.counts()
    streams = {"deployments": 0, "runs": 0, "logs": viewer_count(), "code_fields": editors}
    for channel, count in open_streams().items():
        streams["deployments" if channel.startswith(DEPLOYMENTS[:-1]) else "runs"] += count
    yield _family(
        "open_streams",
        "Event streams and WebSockets that are open in this process.",
        "kind",
        streams,
    )
    yield GaugeMetricFamily(
        "awaitstep_language_servers", "Language servers of this process.", value=servers
    )
    yield GaugeMetricFamily(
        "awaitstep_language_servers_limit",
        "How many language servers this process may run.",
        value=settings.AWAITSTEP.language_servers,
    )
