"""`branch`: the first arm whose condition holds."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Container, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.tree.flow import THEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """An arm; without a condition it is the else."""

    label: str
    condition: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    arms: tuple[Arm, ...]


def read(data: Reader) -> Settings:
    readers = list(data.objects("branches"))
    arms = tuple(map(_arm, readers))
    if data.value.get("branches") == []:
        data.problem("branches", "must hold at least one arm")
    _check_labels(readers, arms)
    for reader, arm in list(zip(readers, arms, strict=True))[:-1]:
        if arm.condition is None:
            reader.problem(
                "condition",
                f"is empty, which means else, and only the last arm may be that: write the "
                f"condition of {quoted(arm.label)} or move it to the end",
            )
    return Settings(arms=arms)


def _arm(arm: Reader) -> Arm:
    label = arm.string("label")
    condition = arm.raw("condition")
    arm.warn_of_unknown()
    if condition is None or (isinstance(condition, str) and not condition.strip()):
        return Arm(label=label, condition=None)
    return Arm(label=label, condition=arm.code("condition", is_expression=True))


def _check_labels(readers: list[Reader], arms: tuple[Arm, ...]) -> None:
    seen = {THEN}
    for reader, arm in zip(readers, arms, strict=True):
        if arm.label in seen:
            reason = "leads on from the branch" if arm.label == THEN else "is taken"
            reader.problem("label", f"{quoted(arm.label)} {reason}: choose another label")
        if arm.label:  # one that is missing has been reported
            seen.add(arm.label)


def labels(settings: Settings) -> list[str]:
    return [arm.label for arm in settings.arms]


def emit(node: Node, out: Emitter) -> None:
    arms = node.settings.arms
    for index, (arm, region) in enumerate(zip(arms, out.regions(node), strict=True)):
        before = "} else " if index else ""
        if arm.condition is not None:
            out.line(f"{before}if (", *out.value(arm.condition), ") {", out.comment(arm.label))
        else:
            out.line(f"{before}{{", out.comment(arm.label))
        out.region(region)
    out.line("}")


TYPE = NodeType(
    name="branch",
    title="Branch",
    read=read,
    container=Container(labels=labels, alternatives=True),
    emit=emit,
)
