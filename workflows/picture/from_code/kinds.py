"""The node types of pictures of code. They have no settings to edit, and no code is generated from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.document.node_types import Category, Container, NodeType, single_step
from workflows.ir.document.step_policy import StepPolicy
from workflows.ir.reading.fields import Code
from workflows.nodes import (
    branch,
    loop,
    parallel,
    race,
    step,
    try_catch,
)
from workflows.nodes.waits import sleep, sleep_until, wait_for_event


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSettings:
    """What a node is about, the conditions of its arms (None for "else"), and the options of its step."""

    about: str
    conditions: tuple[Code | None, ...] = ()
    policy: StepPolicy | None = None


def _read(_data: object) -> None:
    """Read nothing, because these nodes are not in documents."""


def _emit(_node: Any, _out: Any) -> None:
    """Write nothing, because the code exists already."""


def _about(settings: CodeSettings) -> str:
    return settings.about


def _conditions(settings: CodeSettings) -> Sequence[Code | None]:
    return settings.conditions


def _always(_settings: CodeSettings) -> bool:
    return True


def _never(_settings: CodeSettings) -> bool:
    return False


def _type(name: str, title: str, icon: str, summary: str, **more: Any) -> NodeType:
    return NodeType(
        name=name,
        title=title,
        category=Category.WORK,
        summary=summary,
        docs="",
        read=_read,
        emit=_emit,
        about=_about,
        icon=icon,
        **more,
    )


def _like(type_: NodeType, name: str, **more: Any) -> NodeType:
    return _type(name, type_.title, type_.icon, type_.summary, **more)


_CHOICE: Final = Container(labels=None, alternatives=True, conditions=_conditions)
_AT_ONCE: Final = Container(labels=None, concurrent=True)
_FRAME: Final = Container(labels=None, keeps_exits=True)

_TYPES: Final = (
    _like(step.TYPE, "do"),
    _like(sleep.TYPE, "sleep"),
    _like(sleep_until.TYPE, "sleep_until"),
    _like(wait_for_event.TYPE, "wait_for_event"),
    _like(branch.TYPE, "branch", container=_CHOICE),
    _type("switch", "Switch", "branch", "Runs the first case that matches.", container=_CHOICE),
    _like(loop.TYPE, "loop", container=Container(labels=None, repeats=True)),
    _type(
        "parallel_loop",
        "Parallel loop",
        "parallel",
        "Runs its body for all items at the same time.",
        container=Container(labels=None, repeats=True, concurrent=True),
    ),
    _like(parallel.TYPE, "parallel", container=_AT_ONCE),
    _like(race.TYPE, "race", container=_AT_ONCE),
    _like(
        try_catch.TYPE,
        "try",
        container=Container(labels=None, sequential=True, cleanup=("finally",)),
    ),
    _type("function", "Function", "function", "Calls a function of the project.", container=_FRAME),
    _type(
        "callback",
        "Callback",
        "function",
        "Passes steps to a function that is not part of the project.",
        container=Container(labels=None, keeps_exits=True, concurrent=True, repeats=True),
    ),
    _type("code", "Code", "code", "Code whose effect is not known.", breaks=_never),
    _type("recursion", "Recursion", "loop", "Calls a function that has not ended.", breaks=_never),
    _type("return", "Return", "return", "Ends the function.", breaks=_always),
    _type("throw", "Throw", "warn", "Fails with an error.", breaks=_always),
    _type("break", "Break", "break", "Leaves the loop.", breaks=_always),
    _type("continue", "Continue", "retry", "Starts the next iteration.", breaks=_always),
)
TYPES: Final[Mapping[str, NodeType]] = {type_.name: type_ for type_ in _TYPES}
STEP_WITH_STEPS: Final = _like(
    step.TYPE, "do", container=Container(labels=None), step_count=single_step
)
"""A step whose work takes further steps."""
RECURSIVE_FUNCTION: Final = _type(
    "function",
    "Function",
    "function",
    "Calls a function of the project that calls itself.",
    container=Container(labels=None, keeps_exits=True, concurrent=True, repeats=True),
)
