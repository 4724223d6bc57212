"""What a tail of a Worker tells, as lines for people: console output and exceptions, filtered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

LEVELS: Final = ("debug", "log", "info", "warn", "error")
LONGEST: Final = 4_000  # characters of one line
_EVENT: Final = "event"
_OVERLOAD: Final = "overload"
Hide = Callable[[str], str]


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


def _as_it_is(text: str) -> str:
    return text


def lines(trace: Mapping[str, Any], *, hide: Hide = _as_it_is) -> Iterator[Line]:
    """Yield the lines of one trace event in Cloudflare's shape: what happened, logs, exceptions.

    `hide` takes secrets out of a whole text, which is cut only then: no secret stays in part.
    """
    yield _head(trace, hide)
    for log in _objects(trace.get("logs")):
        level = str(log.get("level", "log"))
        yield Line(
            at=_at(log.get("timestamp")),
            level=level if level in LEVELS else "log",
            text=hide(_message(log.get("message")))[:LONGEST],
        )
    for one in _objects(trace.get("exceptions")):
        stack = f"\n{one['stack']}" if one.get("stack") else ""
        text = f"{one.get('name', 'Error')}: {one.get('message', '')}{stack}"
        yield Line(at=_at(one.get("timestamp")), level="error", text=hide(text)[:LONGEST])


def _head(trace: Mapping[str, Any], hide: Hide) -> Line:
    at, event = _at(trace.get("eventTimestamp")), trace.get("event")
    if isinstance(event, Mapping) and event.get("type") == _OVERLOAD:
        text = str(event.get("message") or "The target left lines out: there were too many.")
        return Line(at=at, level="warn", text=hide(text)[:LONGEST], outcome=_OVERLOAD)
    goes_on = trace.get("open") is True  # the embedded platform tells of long calls in parts
    outcome = "" if goes_on else str(trace.get("outcome", ""))
    return Line(at=at, level=_EVENT, text=hide(_caused_by(event))[:LONGEST], outcome=outcome)


def _objects(given: Any) -> list[Mapping[str, Any]]:
    """Return the objects of a list, whatever was told in its place."""
    listed = given if isinstance(given, list) else []
    return [one for one in listed if isinstance(one, Mapping)]


def _message(message: Any) -> str:
    """Join the arguments of a console call as a console does."""
    parts = message if isinstance(message, list) else [message]
    return " ".join(
        part if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts
    )


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
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        moment = datetime.now(UTC)
    return moment.isoformat(timespec="milliseconds")
