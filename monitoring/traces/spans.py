"""Spans as values, and their ids, which are the same whenever a trace is built again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from toolchain.redaction import redact, redact_beginning

LONGEST_ERROR: Final = 500  # characters, after which messages are truncated
Value = str | int | bool
_ROOT = "root"


@dataclass(frozen=True, slots=True)
class SpanId:
    """The ids of a span and of its trace."""

    trace: int
    span: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span; the times are nanoseconds since the epoch, `error` is "" unless `has_failed`."""

    id: SpanId
    parent: SpanId | None = None
    name: str
    start: int
    end: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    has_failed: bool = False
    error: str = ""
    links: tuple[SpanId, ...] = ()


@dataclass(frozen=True, slots=True)
class Ids:
    """The ids of one trace, derived from the installation and what the trace is about."""

    installation: UUID
    subject: str

    @property
    def root(self) -> SpanId:
        return self.of(_ROOT)

    def of(self, name: str) -> SpanId:
        """Return the id of the span with a name that is unique in the trace."""
        return SpanId(self._number(16), self._number(8, name))

    def _number(self, size: int, *names: str) -> int:
        text = "\0".join([str(self.installation), self.subject, *names])
        digest = hashlib.sha256(text.encode()).digest()
        return int.from_bytes(digest[:size], "big") or 1  # 0 is not a valid id


def deployment_ids(installation: UUID, pk: int, created_at: datetime) -> Ids:
    """Return the ids of a deployment; its number may be given again after a backup is restored."""
    return Ids(installation, f"deployment {pk} {created_at.astimezone(UTC).isoformat()}")


def run_ids(installation: UUID, pk: int, started_at: datetime | None) -> Ids:
    """Return the ids of a run that started at this time; a run that is restarted has several traces."""
    start = started_at.astimezone(UTC).isoformat() if started_at else ""
    return Ids(installation, f"run {pk} {start}")


def trace_id(ids: Ids) -> str:
    """Return the id of the trace as it is written in addresses."""
    return f"{ids.root.trace:032x}"


def present(attributes: Mapping[str, Value | None]) -> dict[str, Value]:
    """Return the attributes that have a value."""
    return {name: value for name, value in attributes.items() if value not in (None, "")}


def masked(spans: Iterable[Span], secrets: frozenset[str] | None) -> Iterator[Span]:
    """Mask the secrets in all texts; if they cannot be read (None), leave out the error messages.

    An error that was truncated may end within a secret.
    """
    for span in spans:
        if secrets is None:
            yield replace(span, error="")
            continue
        attributes = {
            name: redact(value, secrets) if isinstance(value, str) else value
            for name, value in span.attributes.items()
        }
        of_error = redact if len(span.error) < LONGEST_ERROR else redact_beginning
        name, error = redact(span.name, secrets), of_error(span.error, secrets)
        yield replace(span, name=name, error=error, attributes=attributes)
