"""`wait_for_event`: waits until an event is sent to the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.computed_settings import EVENT, SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.text.writer import Piece
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import NodeType, single_step
from workflows.ir.document.triggers import EVENT_TYPE, EVENT_TYPE_RULE
from workflows.ir.json_schema import schema_error
from workflows.ir.reading.fields import Duration, Text
from workflows.ir.reading.reader import Reader

_OUTPUT: Final = "WorkflowStepEvent<any> & { payload: any }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The type of the event may hold references; the wait fails after the timeout."""

    event_type: Text
    timeout: Duration


def read(data: Reader) -> Settings:
    """Read the type of the event and the timeout, by default 24 hours."""
    event_type = data.text("eventType")
    is_fixed = event_type.source and not event_type.references
    if is_fixed and not EVENT_TYPE.fullmatch(event_type.source):
        data.problem("eventType", EVENT_TYPE_RULE)
    timeout_from = data.config if data.config and data.config.has("timeout") else data
    data.know("timeout")
    _check_schema(data)
    return Settings(event_type=event_type, timeout=timeout_from.timeout("timeout", "24 hours"))


def _check_schema(data: Reader) -> None:
    """Warn about a schema that cannot be used; payloads are then not checked."""
    schema = data.raw("schema")
    if schema is None:
        return
    if not isinstance(schema, dict):
        data.warning("schema", "must be a JSON Schema object: payloads are not checked")
        return
    if error := schema_error(schema):
        data.warning("schema", f"is not a valid JSON Schema ({error}): payloads are not checked")


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
    read=read,
    output=_OUTPUT,
    emit=emit,
    max_wait=max_wait,
    step_count=single_step,
)
