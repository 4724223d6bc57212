"""The export of traces: batches that are marked when the collector has accepted them."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from django.db import connections

from monitoring.traces.otlp import Collector, Sent
from monitoring.traces.sources import (
    EndedDeployments,
    EndedRuns,
    Source,
    Trace,
    give_up_old_runs,
    progress,
)
from monitoring.traces.spans import Span
from web.elections import Election

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 5.0
_LONGEST_PAUSE: Final = 300.0
_MAX_DOUBLINGS: Final = 10
_ERROR_PAUSE: Final = 30.0
_GIVE_UP_INTERVAL: Final = 3600.0


class Receiver(Protocol):
    """What accepts spans."""

    def send(self, spans: Sequence[Span]) -> Sent: ...

    @property
    def problem(self) -> str: ...


def pause(failures: int, *, jitter: Callable[[], float] = random.random) -> float:
    """Return the seconds until the next attempt: doubled after each failure, up to five minutes."""
    longest = min(2.0 ** min(failures, _MAX_DOUBLINGS), _LONGEST_PAUSE)
    return longest * (1 + jitter()) / 2


@dataclass
class Export:
    """Exports what has ended, from all sources in turn; `is_elected` is asked before each batch."""

    sources: Sequence[Source]
    collector: Receiver
    is_elected: Callable[[], bool]
    failures: int = 0

    def turn(self) -> float:
        """Export a batch of each source, and return the seconds to wait until the next turn."""
        has_more = False
        for source in self.sources:
            if not self.is_elected():
                return IDLE_SECONDS
            batch = source.next_batch()
            if not batch:
                continue
            if not self._export(source, batch):
                return self._failed()
            has_more = True
        self._succeeded(has_sent=has_more)
        return 0 if has_more else IDLE_SECONDS

    def _export(self, source: Source, batch: Sequence[Trace]) -> bool:
        """Send a batch; if the collector refuses it, send each trace, and leave out what it refuses."""
        sent = self.collector.send([span for trace in batch for span in trace.spans])
        if sent is Sent.REFUSED and len(batch) > 1:
            return all(self._export(source, [trace]) for trace in batch)
        if sent is Sent.REFUSED:
            problem = self.collector.problem
            logger.warning("the collector has refused a trace (%s); it is left out", problem)
        if sent is not Sent.UNAVAILABLE:
            source.mark_exported(batch)
        return sent is not Sent.UNAVAILABLE

    def _failed(self) -> float:
        if not self.failures:
            problem = self.collector.problem
            logger.warning("traces cannot be exported (%s); they are kept", problem)
        self.failures += 1
        return pause(self.failures)

    def _succeeded(self, *, has_sent: bool) -> None:
        if self.failures and has_sent:
            logger.info("traces are exported again")
            self.failures = 0


def export_forever() -> None:
    """Export while this process is elected; another one takes over when it no longer is."""
    election, export, gave_up_at = Election("traces"), None, -math.inf
    while True:
        wait = IDLE_SECONDS
        try:
            if election.hold():
                export = export or _new_export(election)
                wait = export.turn()
                if time.monotonic() - gave_up_at > _GIVE_UP_INTERVAL:
                    gave_up_at = time.monotonic()
                    give_up_old_runs()
        except Exception:
            logger.exception(
                "the export of traces failed; the next attempt is in %d s", _ERROR_PAUSE
            )
            wait = _ERROR_PAUSE
        finally:
            connections.close_all()
        time.sleep(wait)


def _new_export(election: Election) -> Export:
    installation = progress().installation
    sources = (EndedDeployments(installation), EndedRuns(installation))
    return Export(sources, Collector(installation), election.hold)
