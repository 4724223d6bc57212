"""`sleep`: waits for a duration."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import NodeType
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long to wait."""

    duration: Duration


def read(data: Reader) -> Settings:
    """Read the duration, which is required."""
    return Settings(duration=data.duration("duration"))


def emit(node: Node, out: Emitter) -> None:
    """Write the call of `step.sleep`."""
    pause = out.duration(node.settings.duration)
    out.line("await step.sleep(", out.step_name(node), ", ", *pause, ");")


def max_wait(settings: Settings) -> Duration:
    """Return the duration itself."""
    return settings.duration


TYPE = NodeType(name="sleep", title="Sleep", read=read, emit=emit, max_wait=max_wait)
