"""`transform`: computes a value from earlier outputs, and keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.codegen.syntax.tree_nodes import named_nodes
from workflows.codegen.text.literals import member_key
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import first_line
from workflows.ir.document.node_types import INFERRED, Category, NodeType
from workflows.ir.document.step_policy import SENSITIVE, StepPolicy
from workflows.ir.reading.fields import Code, Duration
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import (
    read_choice,
    read_code,
    read_optional_switch,
    read_string,
    source_of,
)
from workflows.ir.settings.setting_field import FieldKind, Group, SettingField, ShownWhen

SHAPE: Final = SettingField(
    name="shape",
    kind=FieldKind.SELECT,
    label="Output",
    help="`value`: the value of one expression; `object`: an object of named values.",
    default="value",
    options=("value", "object"),
)


def _of_shape(shape: str) -> ShownWhen:
    return ShownWhen(name=SHAPE.name, values=(shape,), default=str(SHAPE.default))


EXPRESSION: Final = SettingField(
    name="expression",
    kind=FieldKind.CODE,
    label="Expression",
    help="An expression. Its value is the output of the node.",
    required=True,
    shown_when=_of_shape("value"),
    takes_references=True,
    is_expression=True,
)
NAME: Final = SettingField(
    name="name",
    kind=FieldKind.TEXT,
    label="Name",
    help="The key of the value in the output.",
    required=True,
)
VALUE: Final = SettingField(
    name="expression",
    kind=FieldKind.CODE,
    label="Expression",
    help="An expression for the value.",
    required=True,
    takes_references=True,
    is_expression=True,
)
VALUES: Final = SettingField(
    name="values",
    kind=FieldKind.LIST,
    label="Values",
    help="The values of the output, each with a `name` and an `expression`.",
    details="An expression cannot use the other values of the same node",
    required=True,
    shown_when=_of_shape("object"),
    items=(NAME, VALUE),
)
HIDES_OUTPUT: Final = replace(
    SENSITIVE,
    help="Hides the output from everyone; other nodes can use it as usual. Without a value, it is hidden "
    "if an expression reads a secret.",
    group=Group.MAIN,
)

_TIMEOUT: Final = 60_000  # milliseconds: an expression that takes longer does not end at all
_IO_NAMES: Final = frozenset({"fetch", "WebSocket", "caches"})
_NOT_RETRIED: Final = "waits for something outside of the workflow, but a transform is never retried: use a step instead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A named value of the output."""

    name: str
    code: Code


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One expression, or named values; the other one is None or empty."""

    expression: Code | None
    values: tuple[Value, ...]
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the expressions; those of the other shape are ignored."""
    is_object = read_choice(data, SHAPE) == "object"
    sensitive = read_optional_switch(source_of(data, HIDES_OUTPUT), HIDES_OUTPUT)
    return Settings(
        expression=None if is_object else _expression(data, EXPRESSION),
        values=_values(data) if is_object else (),
        policy=StepPolicy(
            limit=0,
            delay=Duration(0),
            backoff="constant",
            timeout=Duration(_TIMEOUT),
            sensitive=sensitive,
        ),
    )


def _values(data: Reader) -> tuple[Value, ...]:
    readers = list(data.objects(VALUES.name))
    if data.value.get(VALUES.name) == []:
        data.problem(VALUES.name, "must have at least one value")
    seen: set[str] = set()
    values = []
    for reader in readers:
        value = Value(name=read_string(reader, NAME), code=_expression(reader, VALUE))
        reader.warn_about_unknown()
        if value.name in seen:
            reader.problem(
                NAME.name, f"{quoted(value.name)} is already used: choose a different name"
            )
        seen |= {value.name} - {""}  # a missing name has been reported
        values.append(value)
    return tuple(values)


def _expression(data: Reader, field: SettingField) -> Code:
    code = read_code(data, field)
    syntax = syntax_of(code)
    if _IO_NAMES & syntax.free.keys() or any(
        node.type == "await_expression" for node in named_nodes(syntax.tree.root_node)
    ):
        data.warning(field.name, _NOT_RETRIED)
    return code


def about(settings: Settings) -> str:
    """Return the expression, or the names of the values."""
    if settings.expression:
        return first_line(settings.expression.source)
    return ", ".join(value.name for value in settings.values)


def callback(node: Node, out: Emitter) -> None:
    """Write the function that returns the value."""
    settings: Settings = node.settings
    out.start_callback(node)
    with out.indented():
        if settings.expression:
            out.line("return ", *out.value(settings.expression), ";")
        else:
            _object(settings.values, out)
    out.line("};")


def _object(values: tuple[Value, ...], out: Emitter) -> None:
    out.line("return {")
    with out.indented():
        for value in values:
            out.line(f"{member_key(value.name)}: ", *out.value(value.code), ",")
    out.line("};")


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that keeps the value."""
    out.durable_step(node, node.settings.policy)


TYPE = NodeType(
    name="transform",
    title="Transform",
    category=Category.WORK,
    summary="Computes a value from earlier outputs, and keeps it.",
    docs="nodes/transform.md",
    icon="transform",
    fields=(SHAPE, EXPRESSION, VALUES, HIDES_OUTPUT),
    example={"expression": "{ id: event.payload.id }"},
    about=about,
    read=read,
    output=INFERRED,
    callback=callback,
    emit=emit,
)
