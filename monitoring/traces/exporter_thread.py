"""The thread that exports traces, in each process that polls; one of them is elected."""

from __future__ import annotations

import threading

from django.conf import settings


def start_trace_export() -> None:
    """Export traces in a daemon thread, if there is a collector to send them to."""
    if settings.AWAITSTEP.exports_traces:
        threading.Thread(target=_export, name="traces", daemon=True).start()


def _export() -> None:
    # Imported here, because an installation without a collector should not spend the SDK's time and memory.
    from monitoring.traces.export import export_forever

    export_forever()
