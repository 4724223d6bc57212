"""A collector on loopback that decodes what it receives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.http_server import Handler, serving

PROTOBUF = (("content-type", "application/x-protobuf"),)


class Receiver:
    """Answers with the given statuses in turn, the last of them forever; accepts with 200."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses) or [200]
        self.accepted: list[Any] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.resources: list[dict[str, str]] = []
        self.url = ""

    def receive(self, body: bytes, headers: dict[str, str]) -> int:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        self.bodies.append(body)
        self.headers.append(headers)
        if status == 200:
            self._read(ExportTraceServiceRequest.FromString(body))
        return status

    def _read(self, request: ExportTraceServiceRequest) -> None:
        for group in request.resource_spans:
            self.resources.append(attributes(group.resource))
            for scope in group.scope_spans:
                self.accepted += scope.spans


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """Receive spans until the end of the block."""
    receiver = Receiver(*statuses)

    class Traces(Handler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            assert self.path == "/v1/traces"
            self.respond(receiver.receive(body, headers), b"", PROTOBUF)

    with serving(Traces) as receiver.url:
        yield receiver


def attributes(item: Any) -> dict[str, Any]:
    """Return the attributes of a decoded span or resource."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in item.attributes
    }
