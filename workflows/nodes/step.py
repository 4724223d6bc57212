"""`step`: runs custom code in a durable step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import first_line
from workflows.ir.document.node_types import INFERRED, Category, NodeType
from workflows.ir.document.step_policy import STEP_FIELDS, StepPolicy, read_policy
from workflows.ir.reading.fields import Code
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_code
from workflows.ir.settings.setting_field import FieldKind, Group, SettingField

CODE: Final = SettingField(
    name="code",
    kind=FieldKind.CODE,
    label="Code",
    help="The body of a function. Its return value is the output of the node. "
    "`event.payload` is the payload of the run.",
    details="See [Code](../values-and-references.md#code)",
    required=True,
    takes_references=True,
)
INLINE: Final = SettingField(
    name="inline",
    kind=FieldKind.SWITCH,
    label="Inline",
    help="Always treated as `false`.",
    details="Other tools write this setting; here, code always runs as a durable step",
    default=False,
    group=Group.COMPATIBILITY,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`code` is the body of the step's function, `policy` its retries and timeout."""

    code: Code
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the code and the retry settings."""
    if data.raw(INLINE.name):
        data.warning(INLINE.name, "has no effect: the code always runs as a durable step")
    return Settings(code=read_code(data, CODE), policy=read_policy(data, STEP_FIELDS))


def callback(node: Node, out: Emitter) -> None:
    """Write the function whose body is the code."""
    out.start_callback(node, node.settings.code)
    out.code(node.settings.code)
    out.line("};")


def about(settings: Settings) -> str:
    """Return the first meaningful line of the code."""
    return first_line(settings.code.source)


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that runs the code."""
    out.durable_step(node, node.settings.policy)


TYPE = NodeType(
    name="step",
    title="Step",
    category=Category.WORK,
    summary="Runs your own code as one durable step.",
    docs="nodes/step.md",
    icon="step",
    fields=(CODE, *STEP_FIELDS, INLINE),
    example={"code": "return { ok: true };"},
    about=about,
    read=read,
    output=INFERRED,
    callback=callback,
    emit=emit,
)
