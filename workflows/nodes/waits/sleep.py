"""`sleep`: waits for a duration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import duration_text
from workflows.ir.document.node_types import Category, NodeType
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_duration
from workflows.ir.settings.setting_field import FieldKind, SettingField

DURATION: Final = SettingField(
    name="duration",
    kind=FieldKind.DURATION,
    label="Duration",
    help="How long to wait: a number of milliseconds, or text such as `2 hours`.",
    details="See [Durations](../steps.md#durations)",
    required=True,
    takes_references=True,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How long to wait."""

    duration: Duration


def read(data: Reader) -> Settings:
    """Read the duration, which is required."""
    return Settings(duration=read_duration(data, DURATION))


def about(settings: Settings) -> str:
    """Return the duration in words."""
    return duration_text(settings.duration)


def emit(node: Node, out: Emitter) -> None:
    """Write the call of `step.sleep`."""
    pause = out.duration(node.settings.duration)
    out.line("await step.sleep(", out.step_name(node), ", ", *pause, ");")


def max_wait(settings: Settings) -> Duration:
    """Return the duration itself."""
    return settings.duration


TYPE = NodeType(
    name="sleep",
    title="Sleep",
    category=Category.WAIT,
    summary="Waits for a period.",
    docs="nodes/sleep.md",
    icon="sleep",
    fields=(DURATION,),
    example={"duration": "1 minute"},
    about=about,
    read=read,
    emit=emit,
    max_wait=max_wait,
)
