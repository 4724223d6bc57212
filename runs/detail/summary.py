"""What a person needs first of a run: which step, which error, since when, what it waits for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runs.detail.event_form import Form, form_of
from runs.services.event_schemas import fits
from runs.steps.step_reader import Step, due_at
from workflows.ir.document.model import WorkflowIR
from workflows.picture.states import State
from workflows.picture.step_matching import Matcher

_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A button that answers a wait with this payload."""

    label: str
    payload: Any

    @property
    def text(self) -> str:
        return json.dumps(self.payload, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A step that goes on; `due` is when it wakes, times out or is tried again."""

    step: Step
    due: datetime | None
    shortcuts: tuple[Shortcut, ...] = ()
    form: Form | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`failed` is the step that ended the run, or the last one that failed and was caught."""

    failed: Step | None
    open: tuple[Open, ...]
    more_open: int
    failures: tuple[Step, ...]
    more_failures: int

    @property
    def first(self) -> Step | None:
        """The step to look at first."""
        return self.failed or (self.open[0].step if self.open else None)

    @property
    def waits(self) -> tuple[Open, ...]:
        return tuple(one for one in self.open if one.step.state is State.WAITING)


def situation(
    steps: Sequence[Step], data: Mapping[int, Mapping[str, Any]], *, errored: bool
) -> Situation:
    """Sum up the steps; `data` are the settings of their nodes by the steps' numbers."""
    going = [step for step in steps if step.is_open]
    failures = [step for step in steps if step.state is State.FAILED]
    return Situation(
        failed=failures[-1] if errored and failures else None,
        open=tuple(_open(step, data.get(step.number, {})) for step in going[:_SHOWN]),
        more_open=max(len(going) - _SHOWN, 0),
        failures=tuple(failures[:_SHOWN]),
        more_failures=max(len(failures) - _SHOWN, 0),
    )


def _open(step: Step, data: Mapping[str, Any]) -> Open:
    if step.state is not State.WAITING:
        return Open(step=step, due=due_at(step))
    shortcuts, form = tuple(shortcuts_of(data)), form_of(data.get("schema"))
    return Open(step=step, due=due_at(step), shortcuts=shortcuts, form=form)


def shortcuts_of(data: Mapping[str, Any]) -> Iterable[Shortcut]:
    """Return the answers that a node's `schema` (a JSON Schema) names: an enum, or a yes and no.

    One that lacks what the schema requires besides is none.
    """
    schema = data.get("schema")
    if isinstance(schema, Mapping):
        yield from (one for one in _named(schema) if fits(schema, one.payload))


def _named(schema: Mapping[str, Any]) -> Iterable[Shortcut]:
    for value in _choices(schema):
        yield Shortcut(label=str(value), payload=value)
    properties = schema.get("properties")
    given = properties.items() if isinstance(properties, Mapping) else ()
    for name, part in given:
        if isinstance(part, Mapping) and part.get("type") == "boolean":
            yes, no = (
                ("Approve", "Reject") if name == "approved" else (f"{name}: yes", f"{name}: no")
            )
            yield Shortcut(label=yes, payload={name: True})
            yield Shortcut(label=no, payload={name: False})
        elif isinstance(part, Mapping):
            for value in _choices(part):
                yield Shortcut(label=f"{name}: {value}", payload={name: value})


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    values = schema.get("enum")
    return values[:_SHOWN] if isinstance(values, list) else []


def nodes_of(ir: WorkflowIR | None, steps: Sequence[Step]) -> dict[int, str]:
    """Return the node of each step whose node is known, by the step's number."""
    if ir is None:
        return {}
    numbers = {id(step.raw): step.number for step in steps}
    called = Matcher(ir).called(step.raw for step in steps)
    return {numbers[id(call.raw)]: call.node_id for call in called if id(call.raw) in numbers}
