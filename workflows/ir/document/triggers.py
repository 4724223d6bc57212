"""What starts a run: the trigger of a document, and what Cloudflare accepts for each kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final

from workflows.ir.document.cron import cron_errors
from workflows.ir.document.cron_calendar import never_fires
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_choice, read_string
from workflows.ir.settings.patterns import read_pattern
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField

NEVER_FIRES: Final = "never fires, because no month that it names has such a day"
EVENT_TYPE: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
EVENT_TYPE_RULE: Final = "must be 1-100 letters, digits, - or _"
QUEUE_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
QUEUE_NAME_RULE: Final = (
    "must be 1-63 lowercase letters, digits or -, with a letter or digit at both ends"
)
EVENT_TYPE_RULES: Final = Rules(
    pattern=read_pattern(f"^{EVENT_TYPE.pattern}$"), pattern_rule=EVENT_TYPE_RULE
)
_INVALID_PATH: Final = re.compile(r"[\s?#\\]|/(?:\.|%2[Ee]){1,2}(?=/|$)")
_RESERVED_PATH: Final = re.compile(r"/cdn-cgi/|/favicon\.ico$")
_PATH_RULE: Final = (
    'must start with "/", without spaces, "?", "#", backslashes, "." and ".." segments'
)

PATH: Final = SettingField(
    name="path",
    kind=FieldKind.TEXT,
    label="Path",
    help="The path of the requests that start a run.",
    default="/",
    placeholder="/orders",
)
METHOD: Final = SettingField(
    name="method",
    kind=FieldKind.SELECT,
    label="Method",
    help="The HTTP method of the requests that start a run.",
    default="POST",
    options=("GET", "POST", "PUT", "PATCH", "DELETE"),
)
EXPRESSION: Final = SettingField(
    name="expression",
    kind=FieldKind.TEXT,
    label="Schedule",
    help="A cron expression in UTC: minute, hour, day of the month, month, weekday.",
    required=True,
    placeholder="0 8 * * MON",
)
EVENT: Final = SettingField(
    name="eventType",
    kind=FieldKind.TEXT,
    label="Event type",
    help="The type of the events that start a run: 1 to 100 letters, digits, `-` and `_`.",
    required=True,
    rules=EVENT_TYPE_RULES,
    placeholder="paid",
)
QUEUE: Final = SettingField(
    name="queue",
    kind=FieldKind.TEXT,
    label="Queue",
    help="The queue whose messages start a run.",
    required=True,
    rules=Rules(pattern=read_pattern(f"^{QUEUE_NAME.pattern}$"), pattern_rule=QUEUE_NAME_RULE),
    placeholder="orders",
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


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerType:
    """A kind of trigger: its fields, and the settings that a new one gets (`example`)."""

    name: str
    title: str
    summary: str
    read: Callable[[Reader], Trigger]
    fields: tuple[SettingField, ...] = ()
    example: Mapping[str, Any] = field(default_factory=dict, hash=False)
    docs: str = "triggers.md"
    icon: str = "trigger"

    def new_trigger(self) -> dict[str, Any]:
        """Return a new trigger, which is valid."""
        return {"type": self.name, **deepcopy(dict(self.example))}


def read_trigger(document: Reader) -> Trigger:
    """Read the trigger of a document; without one, runs are started manually."""
    trigger = document.child("trigger")
    if trigger is None:
        return Trigger()
    kind = trigger.string("type")
    type_ = TRIGGER_TYPES.get(kind)
    if type_ is None:
        if kind:
            trigger.problem("type", f"must be one of {listed(TRIGGER_TYPES)}, not {quoted(kind)}")
        return Trigger()
    trigger.know(*(declared.name for declared in type_.fields))
    result = type_.read(trigger)
    trigger.warn_about_unknown(
        "is not a setting of this trigger and has no effect: check the spelling"
    )
    return result


def _manual(_trigger: Reader) -> Trigger:
    return Trigger()


def _http(trigger: Reader) -> Trigger:
    path = trigger.string(PATH.name, "") or str(PATH.default)
    if not path.startswith("/") or _INVALID_PATH.search(path):
        trigger.problem(PATH.name, f"{_PATH_RULE}, not {quoted(path)}")
    elif _RESERVED_PATH.match(path):
        trigger.problem(PATH.name, f"{quoted(path)} never starts a run: use a different path")
    return Trigger(kind="http", path=path, method=read_choice(trigger, METHOD))


def _cron(trigger: Reader) -> Trigger:
    """Read a cron expression; as usual in cron, any number of spaces separates the fields."""
    text = read_string(trigger, EXPRESSION)
    expression = " ".join(text.split())
    errors = list(cron_errors(expression)) if text else []
    for error in errors:
        trigger.problem(EXPRESSION.name, error)
    if text and not errors and never_fires(expression):
        trigger.warning(EXPRESSION.name, NEVER_FIRES)
    return Trigger(kind="cron", expression=expression)


def _event(trigger: Reader) -> Trigger:
    return Trigger(kind="event", event_type=read_string(trigger, EVENT))


def _queue(trigger: Reader) -> Trigger:
    return Trigger(kind="queue", queue=read_string(trigger, QUEUE))


_TYPES: Final = (
    TriggerType(
        name="manual",
        title="Manual",
        summary="Runs are started by hand, from the command line, or through an API; nothing is public.",
        read=_manual,
    ),
    TriggerType(
        name="http",
        title="HTTP request",
        summary="Each request to the Worker's address starts a run.",
        docs="triggers.md#http",
        read=_http,
        fields=(PATH, METHOD),
        example={"method": "POST", "path": "/"},
    ),
    TriggerType(
        name="cron",
        title="Schedule",
        summary="Runs start on a schedule, in UTC.",
        docs="triggers.md#schedules",
        read=_cron,
        fields=(EXPRESSION,),
        example={"expression": "0 8 * * *"},
    ),
    TriggerType(
        name="event",
        title="Event",
        summary="Each event of a given type starts a run.",
        docs="triggers.md#events",
        read=_event,
        fields=(EVENT,),
        example={"eventType": "paid"},
    ),
    TriggerType(
        name="queue",
        title="Queue",
        summary="Each message in a queue starts a run.",
        docs="triggers.md#queues",
        read=_queue,
        fields=(QUEUE,),
        example={"queue": "orders"},
    ),
)
TRIGGER_TYPES: Final[Mapping[str, TriggerType]] = {type_.name: type_ for type_ in _TYPES}


def trigger_type_of(trigger: Mapping[str, Any]) -> TriggerType:
    """Return the type of a trigger; an unknown one is shown as manual."""
    return TRIGGER_TYPES.get(str(trigger.get("type")), TRIGGER_TYPES["manual"])
