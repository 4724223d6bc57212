"""The metrics of this installation in the text format of Prometheus."""

from __future__ import annotations

from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

from monitoring.deployment_counts import DeploymentCounts
from monitoring.gauges import Gauges

__all__ = ["CONTENT_TYPE", "Metrics"]

disable_created_metrics()  # type: ignore[no-untyped-call]  # series that say when a counter was created, one for each


class Metrics:
    """All metrics of this process; `since` is when it started."""

    def __init__(self, *, since: datetime) -> None:
        self._registry = CollectorRegistry()
        self._deployments = DeploymentCounts(self._registry, since=since)
        self._registry.register(Gauges())
        ProcessCollector(registry=self._registry)

    def render(self) -> bytes:
        """Return the metrics as of now."""
        self._deployments.update()
        return generate_latest(self._registry)
