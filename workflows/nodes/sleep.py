"""`sleep`: the run waits for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workflows.ir.fields import Duration
from workflows.ir.node_types import NodeType
from workflows.ir.reader import Reader

if TYPE_CHECKING:
    from workflows.codegen.emitter import Emitter
    from workflows.ir.document import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    duration: Duration


def read(data: Reader) -> Settings:
    return Settings(duration=data.duration("duration"))


def emit(node: Node, out: Emitter) -> None:
    pause = out.duration(node.settings.duration)
    out.line("await step.sleep(", out.step_name(node), ", ", *pause, ");")


def waits(settings: Settings) -> Duration:
    return settings.duration


TYPE = NodeType(name="sleep", title="Sleep", read=read, emit=emit, waits=waits)
