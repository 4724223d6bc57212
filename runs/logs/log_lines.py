"""Trace events of a Worker's tail as log lines: console output and exceptions, filtered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.utils import timezone

LEVELS: Final = ("debug", "log", "info", "warn", "error")
MAX_LINE: Final = 4_000  # characters
_EVENT: Final = "event"
_OVERLOAD: Final = "overload"
Hide = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; `level` is one of LEVELS, or "event" for the event that caused the next lines.

    `at` is ISO 8601 in the time zone of all pages. `text` may have several lines, such as the stack of an exception.
    """

    at: str
    level: str
    text: str
    outcome: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFilter:
    """Which lines a viewer wants: at this level or above, with this text (case-insensitive)."""

    level: str = "debug"
    text: str = ""

    @classmethod
    def of(cls, message: Mapping[str, Any]) -> LineFilter:
        """Read a message from the page; invalid values match every line."""
        level, text = message.get("level"), message.get("text")
        return cls(
            level=level if level in LEVELS else "debug",
            text=text[:200] if isinstance(text, str) else "",
        )

    def matches(self, line: Line) -> bool:
        """Return whether the line passes the filter."""
        rank = LEVELS.index(line.level) if line.level in LEVELS else 0
        return rank >= LEVELS.index(self.level) and self.text.lower() in line.text.lower()


def log_lines(trace: Mapping[str, Any], *, hide: Hide = str) -> Iterator[Line]:
    """Yield the lines of one trace event in Cloudflare's format: its cause, logs, exceptions.

    `hide` masks secrets before text is truncated, so that no part of a secret remains.
    """
    yield _event_line(trace, hide)
    for log in _objects(trace.get("logs")):
        level = str(log.get("level", "log"))
        yield Line(
            at=_at(log.get("timestamp")),
            level=level if level in LEVELS else "log",
            text=hide(_message(log.get("message")))[:MAX_LINE],
        )
    for error in _objects(trace.get("exceptions")):
        stack = f"\n{error['stack']}" if error.get("stack") else ""
        text = f"{error.get('name', 'Error')}: {error.get('message', '')}{stack}"
        yield Line(at=_at(error.get("timestamp")), level="error", text=hide(text)[:MAX_LINE])


def _event_line(trace: Mapping[str, Any], hide: Hide) -> Line:
    at, event = _at(trace.get("eventTimestamp")), trace.get("event")
    if isinstance(event, Mapping) and event.get("type") == _OVERLOAD:
        text = str(event.get("message") or "Some lines are missing because there were too many.")
        return Line(at=at, level="warn", text=hide(text)[:MAX_LINE], outcome=_OVERLOAD)
    is_partial = trace.get("open") is True  # the embedded platform sends long calls in parts
    outcome = "" if is_partial else str(trace.get("outcome", ""))
    return Line(at=at, level=_EVENT, text=hide(_cause(event))[:MAX_LINE], outcome=outcome)


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; none if the value is not a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _message(message: Any) -> str:
    """Join the arguments of a console call as a console does."""
    parts = message if isinstance(message, list) else [message]
    return " ".join(
        part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts
    )


def _cause(event: Any) -> str:
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
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = datetime.now(UTC)
    return timezone.localtime(moment).isoformat(timespec="milliseconds")
