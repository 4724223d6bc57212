"""`branch`: runs the first arm whose condition is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import VALUE_SUFFIX, Category, Container, NodeType
from workflows.ir.reading.fields import Code
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_code, read_string
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.ir.tree.flow import THEN

LABEL: Final = SettingField(
    name="label",
    kind=FieldKind.TEXT,
    label="Label",
    help="The name of the arm, and the label of the edge that leads to it.",
    required=True,
)
CONDITION: Final = SettingField(
    name="condition",
    kind=FieldKind.CODE,
    label="Condition",
    help="An expression. Leave it empty in the last arm to make that arm the else arm.",
    takes_references=True,
    is_expression=True,
)
BRANCHES: Final = SettingField(
    name="branches",
    kind=FieldKind.LIST,
    label="Arms",
    help="The arms in order, each with a `label` and a `condition`. The first arm whose condition is true runs.",
    details='An arm with an empty condition is the "else" arm, and must come last. There can be at most 1,000 arms',
    required=True,
    items=(LABEL, CONDITION),
)
_MAX_ARMS: Final = 1_000  # engines cannot parse a chain of `else if` that is a few times longer


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
    readers = list(data.objects(BRANCHES.name))
    arms = tuple(map(_arm, readers))
    if data.value.get(BRANCHES.name) == []:
        data.problem(BRANCHES.name, "must have at least one arm")
    if len(arms) > _MAX_ARMS:
        data.problem(
            BRANCHES.name,
            f"must have at most {_MAX_ARMS:,} arms, not {len(arms):,}: split it into several branches",
        )
    _check_labels(readers, arms)
    for reader, arm in list(zip(readers, arms, strict=True))[:-1]:
        if arm.condition is None:
            reader.problem(
                CONDITION.name,
                f"is empty, but only the last arm can be the else arm: write a condition for "
                f"{quoted(arm.label)}, or move it to the end",
            )
    return Settings(arms=arms)


def _arm(arm: Reader) -> Arm:
    label = read_string(arm, LABEL)
    condition = arm.raw(CONDITION.name)
    arm.warn_about_unknown()
    if condition is None or (isinstance(condition, str) and not condition.strip()):
        return Arm(label=label, condition=None)
    return Arm(label=label, condition=read_code(arm, CONDITION))


def _check_labels(readers: list[Reader], arms: tuple[Arm, ...]) -> None:
    seen = {THEN}
    for reader, arm in zip(readers, arms, strict=True):
        if arm.label in seen:
            reason = (
                "is the edge that leaves the branch" if arm.label == THEN else "is already used"
            )
            reader.problem(LABEL.name, f"{quoted(arm.label)} {reason}: choose a different label")
        if arm.label:  # a missing label has been reported
            seen.add(arm.label)


def labels(settings: Settings) -> list[str]:
    """Return the labels of the arms; each opens a region."""
    return [arm.label for arm in settings.arms]


def conditions(settings: Settings) -> list[Code | None]:
    """Return the conditions of the arms."""
    return [arm.condition for arm in settings.arms]


def about(settings: Settings) -> str:
    """Return the first condition."""
    conditions = (arm.condition.source for arm in settings.arms if arm.condition)
    return next(conditions, "")


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
    category=Category.DECIDE,
    summary="Runs the first arm whose condition is true, and no other.",
    docs="nodes/branch.md",
    icon="branch",
    fields=(BRANCHES,),
    example={
        "branches": [
            {"label": "yes", "condition": "event.payload.ok"},
            {"label": "no", "condition": ""},
        ]
    },
    about=about,
    read=read,
    container=Container(labels=labels, alternatives=True, conditions=conditions),
    step_suffixes=("", VALUE_SUFFIX),
    emit=emit,
)
