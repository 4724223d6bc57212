from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any, Final

from django.core.management.base import BaseCommand
from django.db import Error, connections

from alerts.background import start_alerts
from deployments.queue import claims, tasks
from deployments.queue.spares import keep_spares
from deployments.queue.sweeper import start_sweeper
from deployments.queue.thread_backend import ThreadBackend, run_tasks
from maintenance.retention.pruning import Pruner
from monitoring.traces.exporter_thread import start_trace_export
from runs.bulk import tasks as bulk_tasks
from runs.sync.poller_thread import start_poller
from runs.test_runs.services import remove_expired
from web.streams.changes import changes

_LONGEST_WAIT: Final = 1.0  # seconds until the command notices a signal
_AFTER_ERROR: Final = 1.0
_LONGEST_STOP: Final = 25.0  # seconds for deployments to end; others interrupt those that do not


class Command(BaseCommand):
    help = (
        "Run deployments and bulk changes, poll the targets and send alerts, without a web server."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        backend = run_tasks()
        keep_spares()
        start_sweeper(own=[bulk_tasks.sweep], elected=[remove_expired])
        start_poller(Pruner().prune_next)
        start_trace_export()
        start_alerts()
        self.stdout.write("The worker is running. Ctrl-C stops it.")
        self.stdout.flush()
        while not stop.is_set():
            try:
                _work(backend, stop)
            except Error as error:
                self.stderr.write(f"The database is not available: {error}")
                connections.close_all()
                time.sleep(_AFTER_ERROR)
        _end(backend)


def _work(backend: ThreadBackend, stop: threading.Event) -> None:
    """Start what is waiting whenever the database has changed; raises django.db.Error."""
    changed = changes()
    is_awake = True
    while not stop.is_set():
        if is_awake:
            if backend.has_free_thread("default") and claims.startable().exists():
                tasks.process_queue.enqueue()
            bulk_tasks.sweep()
        is_awake = changed.wait(_LONGEST_WAIT)


def _end(backend: ThreadBackend) -> None:
    """Wait for a while until the tasks have ended; then end, even if some have not."""
    claims.stop_claiming()
    deadline = time.monotonic() + _LONGEST_STOP
    while not backend.is_idle() and time.monotonic() < deadline:
        time.sleep(0.1)
    os._exit(0)
