"""`sleep_until`: the run waits until a moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from workflows.ir.fields import Code, Text
from workflows.ir.node_types import NodeType
from workflows.ir.reader import Reader

if TYPE_CHECKING:
    from workflows.codegen.emitter import Emitter
    from workflows.ir.document import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`timestamp` is text when it is ISO 8601 or made of references, else an expression."""

    timestamp: Text | Code


def read(data: Reader) -> Settings:
    written = data.raw("timestamp")
    if (
        isinstance(written, str)
        and written.strip()
        and "{{" not in written
        and not _is_iso(written)
    ):
        return Settings(timestamp=data.code("timestamp", is_expression=True))
    return Settings(timestamp=data.text("timestamp"))


def _is_iso(written: str) -> bool:
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True


def emit(node: Node, out: Emitter) -> None:
    moment = out.value(node.settings.timestamp)
    out.line("await step.sleepUntil(", out.step_name(node), ", new Date(", *moment, "));")


TYPE = NodeType(name="sleep_until", title="Sleep until", read=read, emit=emit)
