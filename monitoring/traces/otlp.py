"""Sending spans to a collector with the OpenTelemetry SDK, which is imported only if there is one.

The SDK's own variables, OTEL_EXPORTER_OTLP_HEADERS and others, apply.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Sequence
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

import requests
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import (
    Link,
    SpanContext,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as SdkSpan

from monitoring.traces.spans import Span, SpanId

_NAME: Final = "awaitstep"
_INVALID_HEADERS: Final = (
    "OTEL_EXPORTER_OTLP_HEADERS, or its variant for traces, has a header that is not sent: write NAME=VALUE, "
    "with %20 for a space, and commas between headers"
)
_REFUSED: Final = (400, 413, 422)  # what would be refused again
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)

# It logs each attempt, with what the collector has answered; the export logs the beginning and end of an outage.
logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter").setLevel(
    logging.CRITICAL
)


def _without_header(record: logging.LogRecord) -> bool:
    """Replace a warning about headers, which repeats one with its token."""
    record.msg, record.args = _INVALID_HEADERS, ()
    return True


logging.getLogger("opentelemetry.util.re").addFilter(_without_header)


class Sent(Enum):
    """What happened to spans: a collector that is unavailable is tried again, one that refuses them is not."""

    ACCEPTED = auto()
    REFUSED = auto()
    UNAVAILABLE = auto()


class _GivenIds(IdGenerator):
    """Gives each span the ids that were chosen for it."""

    next = SpanId(1, 1)

    def generate_span_id(self) -> int:
        return self.next.span

    def generate_trace_id(self) -> int:
        return self.next.trace


class _Ended(SpanProcessor):
    """Collects the spans that have ended and are sampled."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class SpanConverter:
    """Turns spans into those of the SDK, which applies its limits and its sampler."""

    def __init__(self, installation: UUID) -> None:
        self._ids, self._ended = _GivenIds(), _Ended()
        self._provider = TracerProvider(
            resource=_resource(installation), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(self._ended)
        self._tracer = self._provider.get_tracer(_NAME)

    def convert(self, spans: Iterable[Span]) -> list[ReadableSpan]:
        """Return the spans, of which each comes after its parent."""
        self._ended.spans = []
        started: dict[SpanId, SdkSpan] = {}
        for span in spans:
            started[span.id] = self._start(span, started)
        return self._ended.spans

    def _start(self, span: Span, started: dict[SpanId, SdkSpan]) -> SdkSpan:
        parent = started.get(span.parent) if span.parent else None
        self._ids.next = span.id
        result = self._tracer.start_span(
            span.name,
            context=set_span_in_context(parent, Context()) if parent else Context(),
            attributes=span.attributes,
            links=[Link(_context(link)) for link in span.links],
            start_time=span.start,
        )
        if span.has_failed:
            result.set_status(Status(StatusCode.ERROR, span.error or None))
        result.end(span.end)
        return result


def _context(span_id: SpanId) -> SpanContext:
    return SpanContext(span_id.trace, span_id.span, is_remote=True, trace_flags=_SAMPLED)


def _resource(installation: UUID) -> Resource:
    """Return what the spans are from; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES have precedence."""
    found = Resource.create({"service.instance.id": str(installation)})
    if "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    ):
        return found
    return found.merge(Resource({"service.name": _NAME}))


class Collector:
    """Sends spans to the collector that the environment names."""

    def __init__(self, installation: UUID) -> None:
        self._status: int | None = None
        self._converter = SpanConverter(installation)
        session = requests.Session()
        session.hooks["response"].append(self._note_status)
        self._exporter = OTLPSpanExporter(session=session)

    def send(self, spans: Sequence[Span]) -> Sent:
        """Send spans in one request, which is retried for a few seconds."""
        self._status = None
        converted = self._converter.convert(spans)
        if not converted or self._exporter.export(converted) is SpanExportResult.SUCCESS:
            return Sent.ACCEPTED
        return Sent.REFUSED if self._status in _REFUSED else Sent.UNAVAILABLE

    @property
    def problem(self) -> str:
        """Why the last spans were not accepted."""
        return f"status {self._status}" if self._status else "no response"

    def _note_status(self, response: requests.Response, **_options: Any) -> None:
        self._status = response.status_code
