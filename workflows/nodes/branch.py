"""`branch`: runs the first arm whose condition is true."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Container, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.tree.flow import THEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """An arm; without a condition it is the else arm."""

    label: str
    condition: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The arms, in the order in which their conditions are tested."""

    arms: tuple[Arm, ...]


def read(data: Reader) -> Settings:
    """Read the arms; only the last one may have no condition."""
    readers = list(data.objects("branches"))
    arms = tuple(map(_arm, readers))
    if data.value.get("branches") == []:
        data.problem("branches", "must have at least one arm")
    _check_labels(readers, arms)
    for reader, arm in list(zip(readers, arms, strict=True))[:-1]:
        if arm.condition is None:
            reader.problem(
                "condition",
                f"is empty, but only the last arm can be the else arm: write a condition for "
                f"{quoted(arm.label)}, or move it to the end",
            )
    return Settings(arms=arms)


def _arm(arm: Reader) -> Arm:
    label = arm.string("label")
    condition = arm.raw("condition")
    arm.warn_about_unknown()
    if condition is None or (isinstance(condition, str) and not condition.strip()):
        return Arm(label=label, condition=None)
    return Arm(label=label, condition=arm.code("condition", is_expression=True))


def _check_labels(readers: list[Reader], arms: tuple[Arm, ...]) -> None:
    seen = {THEN}
    for reader, arm in zip(readers, arms, strict=True):
        if arm.label in seen:
            reason = (
                "is the edge that leaves the branch" if arm.label == THEN else "is already used"
            )
            reader.problem("label", f"{quoted(arm.label)} {reason}: choose a different label")
        if arm.label:  # a missing label has been reported
            seen.add(arm.label)


def labels(settings: Settings) -> list[str]:
    """Return the labels of the arms; each opens a region."""
    return [arm.label for arm in settings.arms]


def emit(node: Node, out: Emitter) -> None:
    """Write a chain of `if` and `else`, with the labels as comments."""
    arms = node.settings.arms
    for index, (arm, region) in enumerate(zip(arms, out.regions(node), strict=True)):
        prefix = "} else " if index else ""
        if arm.condition is not None:
            out.line(f"{prefix}if (", *out.kept(node, arm.condition), ") {", out.comment(arm.label))
        else:
            out.line(f"{prefix}{{", out.comment(arm.label))
        out.region(region)
    out.line("}")


TYPE = NodeType(
    name="branch",
    title="Branch",
    read=read,
    container=Container(labels=labels, alternatives=True),
    step_suffixes=("", VALUE_SUFFIX),
    emit=emit,
)
