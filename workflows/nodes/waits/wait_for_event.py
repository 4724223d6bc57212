"""`wait_for_event`: waits until an event is sent to the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.computed_settings import EVENT, SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, NodeType, single_step
from workflows.ir.document.triggers import EVENT_TYPE_RULES
from workflows.ir.json_schema import SCHEMA_OF_SCHEMAS, schema_error
from workflows.ir.reading.fields import Duration, Text
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_duration, read_text, source_of
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField

EVENT_TYPE: Final = SettingField(
    name="eventType",
    kind=FieldKind.TEXT,
    label="Event type",
    help="The type of the event to wait for: 1 to 100 letters, digits, `-` and `_`.",
    required=True,
    rules=EVENT_TYPE_RULES,
    takes_references=True,
    placeholder="approved",
)
TIMEOUT: Final = SettingField(
    name="timeout",
    kind=FieldKind.DURATION,
    label="Timeout",
    help="How long to wait. If no event arrives in time, the node fails.",
    details="At most 365 days. A [`try_catch`](try_catch.md) can handle the error",
    default="24 hours",
    rules=Rules(min=1),
    takes_references=True,
    config_path="timeout",
)
SCHEMA: Final = SettingField(
    name="schema",
    kind=FieldKind.JSON,
    label="Payload schema",
    help="A JSON Schema for the payload of the event.",
    json_schema=SCHEMA_OF_SCHEMAS,
)

_OUTPUT: Final = "WorkflowStepEvent<any> & { payload: any }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The type of the event may hold references; the wait fails after the timeout."""

    event_type: Text
    timeout: Duration


def read(data: Reader) -> Settings:
    """Read the type of the event and the timeout, by default 24 hours."""
    _check_schema(data)
    return Settings(
        event_type=read_text(data, EVENT_TYPE),
        timeout=read_duration(source_of(data, TIMEOUT), TIMEOUT),
    )


def _check_schema(data: Reader) -> None:
    """Warn about a schema that cannot be used; payloads are then not checked."""
    schema = data.raw(SCHEMA.name)
    if schema is None:
        return
    if not isinstance(schema, dict):
        data.warning(SCHEMA.name, "must be a JSON Schema object: payloads are not checked")
        return
    if error := schema_error(schema):
        data.warning(SCHEMA.name, f"is not a valid JSON Schema ({error}): payloads are not checked")


def about(settings: Settings) -> str:
    """Return the type of the event."""
    return settings.event_type.source


def emit(node: Node, out: Emitter) -> None:
    """Write the wait; its value is the event with its payload."""
    event_type = _event_type(node.settings.event_type, out)
    timeout = out.duration(node.settings.timeout, least=1)
    variable = out.assign(node)
    out.line(*variable, "await step.waitForEvent<any>(", out.step_name(node), ", {")
    with out.indented():
        out.line("type: ", *event_type, ",")
        out.line("timeout: ", *timeout, ",")
    out.line(f"}}) as {_OUTPUT};" if variable else "});")


def _event_type(event_type: Text, out: Emitter) -> list[Piece]:
    """Return the type of the event; a computed one is checked in the run."""
    pieces = out.value(event_type)
    if not event_type.references:
        return pieces
    out.add_helper(SHOWN)
    out.add_helper(EVENT)
    return ["asEventType(", *pieces, f", {out.setting(event_type)})"]


def max_wait(settings: Settings) -> Duration:
    """Return the timeout."""
    return settings.timeout


TYPE = NodeType(
    name="wait_for_event",
    title="Wait for event",
    category=Category.WAIT,
    summary="Waits until someone sends the run an event of a given type.",
    docs="nodes/wait_for_event.md",
    icon="wait_for_event",
    fields=(EVENT_TYPE, TIMEOUT, SCHEMA),
    example={"eventType": "approved"},
    about=about,
    read=read,
    output=_OUTPUT,
    emit=emit,
    max_wait=max_wait,
    step_count=single_step,
    receives_event=True,
)
