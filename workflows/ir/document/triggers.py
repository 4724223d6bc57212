"""What starts a run: the trigger of a document, and what Cloudflare accepts for each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.cron import cron_errors
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader

HTTP_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
EVENT_TYPE_RULE: Final = "must be 1-100 letters, digits, - or _"
QUEUE_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
QUEUE_NAME_RULE: Final = (
    "must be 1-63 lowercase letters, digits or -, with a letter or digit at both ends"
)
_INVALID_PATH: Final = re.compile(r"[\s?#\\]|/\.{1,2}(?=/|$)")
_PATH_RULE: Final = (
    'must start with "/", without spaces, "?", "#", backslashes, "." and ".." segments'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The trigger of a document; each kind uses only its own fields."""

    kind: str = "manual"
    path: str = "/"
    method: str = "POST"
    expression: str = ""
    event_type: str = ""
    queue: str = ""


def read_trigger(document: Reader) -> Trigger:
    """Read the trigger of a document; without one, runs are started manually."""
    trigger = document.child("trigger")
    if trigger is None:
        return Trigger()
    kind = trigger.string("type")
    if kind and kind not in _TRIGGERS:
        trigger.problem("type", f"must be one of {listed(_TRIGGERS)}, not {quoted(kind)}")
    result = _TRIGGERS.get(kind, _manual)(trigger)
    if kind in _TRIGGERS:
        trigger.warn_about_unknown(
            "is not a setting of this trigger and has no effect: check the spelling"
        )
    return result


def _manual(_trigger: Reader) -> Trigger:
    return Trigger()


def _http(trigger: Reader) -> Trigger:
    path = trigger.string("path", "") or "/"
    if not path.startswith("/") or _INVALID_PATH.search(path):
        trigger.problem("path", f"{_PATH_RULE}, not {quoted(path)}")
    method = trigger.choice("method", "POST", HTTP_METHODS)
    return Trigger(kind="http", path=path, method=method)


def _cron(trigger: Reader) -> Trigger:
    """Read a cron expression; as always in cron, any number of blanks separates the fields."""
    text = trigger.string("expression")
    expression = " ".join(text.split())
    for error in cron_errors(expression) if text else ():
        trigger.problem("expression", error)
    return Trigger(kind="cron", expression=expression)


def _event(trigger: Reader) -> Trigger:
    event_type = trigger.string("eventType")
    if event_type and not EVENT_TYPE.fullmatch(event_type):
        trigger.problem("eventType", EVENT_TYPE_RULE)
    return Trigger(kind="event", event_type=event_type)


def _queue(trigger: Reader) -> Trigger:
    queue = trigger.string("queue")
    if queue and not QUEUE_NAME.fullmatch(queue):
        trigger.problem("queue", f"{QUEUE_NAME_RULE}, not {quoted(queue)}")
    return Trigger(kind="queue", queue=queue)


_TRIGGERS: Final = {
    "manual": _manual, "http": _http, "cron": _cron, "event": _event, "queue": _queue,
}  # fmt: skip
