"""`break`: ends the innermost loop, or the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Category, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_optional_code
from workflows.ir.settings.setting_field import FieldKind, SettingField

CONDITION: Final = SettingField(
    name="condition",
    kind=FieldKind.CODE,
    label="Condition",
    help="Leave the loop only if this expression is true. If it is empty, always leave the loop.",
    takes_references=True,
    is_expression=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Without a condition, the node always breaks."""

    condition: Code | None


def read(data: Reader) -> Settings:
    """Read the condition, which is optional."""
    return Settings(condition=read_optional_code(data, CONDITION))


def about(settings: Settings) -> str:
    """Return the condition."""
    return settings.condition.source if settings.condition else "always"


def emit(node: Node, out: Emitter) -> None:
    """Write the break, inside an `if` when it has a condition."""
    condition = node.settings.condition
    if condition is None:
        out.break_out()
        return
    out.line("if (", *out.kept(node, condition), ") {")
    with out.indented():
        out.break_out()
    out.line("}")


def always_breaks(settings: Settings) -> bool:
    """Whether the node breaks unconditionally."""
    return settings.condition is None


TYPE = NodeType(
    name="break",
    title="Break",
    category=Category.REPEAT,
    summary="Leaves the innermost loop. Outside of loops, it ends the run.",
    docs="nodes/break.md",
    icon="break",
    fields=(CONDITION,),
    example={"condition": "event.payload.done"},
    about=about,
    read=read,
    breaks=always_breaks,
    emit=emit,
    step_suffixes=("", VALUE_SUFFIX),
)
