"""`break`: ends the innermost loop, or the run."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Without a condition, the node always breaks."""

    condition: Code | None


def read(data: Reader) -> Settings:
    """Read the condition, which is optional."""
    return Settings(condition=data.optional_code("condition"))


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
    read=read,
    breaks=always_breaks,
    emit=emit,
    step_suffixes=("", VALUE_SUFFIX),
)
