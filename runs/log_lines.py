"""What a tail of a Worker tells, as lines for people: console output and exceptions, filtered."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

LEVELS: Final = ("debug", "log", "info", "warn", "error")
LONGEST: Final = 4_000  # characters of one line
_EVENT: Final = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `level` is of LEVELS, or "event" for what caused the lines after it.

    `at` is ISO 8601, `text` may have several lines: an exception brings its stack.
    """

    at: str
    level: str
    text: str
    outcome: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a viewer asked for: lines of this level or above, and with this text, in any case."""

    level: str = "debug"
    text: str = ""

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Wanted:
        """Read what a page sent; what it cannot mean is everything."""
        level, text = asked.get("level"), asked.get("text")
        return cls(
            level=level if level in LEVELS else "debug",
            text=text[:200] if isinstance(text, str) else "",
        )

    def takes(self, line: Line) -> bool:
        rank = LEVELS.index(line.level) if line.level in LEVELS else 0
        return rank >= LEVELS.index(self.level) and self.text.lower() in line.text.lower()


def lines(trace: Mapping[str, Any]) -> Iterator[Line]:
    """Yield the lines of one trace event in Cloudflare's shape: what happened, logs, exceptions."""
    goes_on = trace.get("open") is True  # the embedded platform tells of long calls in parts
    outcome = "" if goes_on else str(trace.get("outcome", ""))
    yield Line(
        at=_at(trace.get("eventTimestamp")),
        level=_EVENT,
        text=_caused_by(trace.get("event")),
        outcome=outcome,
    )
    for log in trace.get("logs") or []:
        level = str(log.get("level", "log"))
        yield Line(
            at=_at(log.get("timestamp")),
            level=level if level in LEVELS else "log",
            text=_message(log.get("message")),
        )
    for one in trace.get("exceptions") or []:
        stack = f"\n{one['stack']}" if one.get("stack") else ""
        text = f"{one.get('name', 'Error')}: {one.get('message', '')}{stack}"
        yield Line(at=_at(one.get("timestamp")), level="error", text=text[:LONGEST])


def _message(message: Any) -> str:
    """Join the arguments of a console call as a console does."""
    parts = message if isinstance(message, list) else [message]
    text = " ".join(
        part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts
    )
    return text[:LONGEST]


def _caused_by(event: Any) -> str:
    if not isinstance(event, Mapping):
        return "invocation"
    request = event.get("request")
    if isinstance(request, Mapping):
        return f"{request.get('method', '')} {request.get('url', '')}".strip()
    if event.get("cron") is not None:
        return f"schedule {event['cron']}"
    if event.get("queue") is not None:
        return f"queue {event['queue']}, {event.get('batchSize', '?')} messages"
    if event.get("rpcMethod"):
        return f"call of {event['rpcMethod']}"
    return "invocation"


def _at(milliseconds: Any) -> str:
    if not isinstance(milliseconds, int | float):
        return datetime.now(UTC).isoformat(timespec="milliseconds")
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
