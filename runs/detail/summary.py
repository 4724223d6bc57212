"""The most important facts about a run: open and failed steps, and how to answer waits."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from runs.detail.event_form import Form, form_of
from runs.services.approvals import Approval, approval_of
from runs.services.event_schemas import is_valid
from runs.steps.step_reader import ROLLBACK, Step, due_at
from workflows.picture.states import State

_MAX_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A button that answers a wait with this payload."""

    label: str
    payload: Any

    @property
    def text(self) -> str:
        return json.dumps(self.payload, ensure_ascii=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStep:
    """A step that has not ended; `due` is when it wakes, times out or is retried."""

    step: Step
    due: datetime | None
    shortcuts: tuple[Shortcut, ...] = ()
    form: Form | None = None
    approval: Approval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The open and failed steps of a run; `failed` is the step at which the run failed."""

    failed: Step | None
    open: tuple[OpenStep, ...]
    more_open: int
    failures: tuple[Step, ...]
    more_failures: int

    @property
    def main_step(self) -> Step | None:
        """The step to show first."""
        return self.failed or (self.open[0].step if self.open else None)

    @property
    def waits(self) -> tuple[OpenStep, ...]:
        return tuple(item for item in self.open if item.step.state is State.WAITING)


def summarize(
    steps: Sequence[Step], settings: Mapping[int, Mapping[str, Any]], *, errored: bool
) -> Summary:
    """Summarize the steps; `settings` are those of their nodes, by the number of the step."""
    open_steps = [step for step in steps if step.is_open]
    failures = [step for step in steps if step.state is State.FAILED and step.kind != ROLLBACK]
    shown = open_steps[:_MAX_SHOWN]
    return Summary(
        failed=failures[-1] if errored and failures else None,
        open=tuple(open_step(step, settings.get(step.number, {}), steps) for step in shown),
        more_open=max(len(open_steps) - _MAX_SHOWN, 0),
        failures=tuple(failures[:_MAX_SHOWN]),
        more_failures=max(len(failures) - _MAX_SHOWN, 0),
    )


def open_step(step: Step, settings: Mapping[str, Any], steps: Sequence[Step]) -> OpenStep:
    """Return an open step among the steps of its run; `settings` are those of its node."""
    if step.state is not State.WAITING:
        return OpenStep(step=step, due=due_at(step))
    if approval := approval_of(step, steps, settings):
        form = form_of(approval.schema(is_approved=True))
        return OpenStep(step=step, due=due_at(step), form=form, approval=approval)
    shortcuts, form = tuple(shortcuts_of(settings)), form_of(settings.get("schema"))
    return OpenStep(step=step, due=due_at(step), shortcuts=shortcuts, form=form)


def shortcuts_of(settings: Mapping[str, Any]) -> Iterable[Shortcut]:
    """Yield a shortcut for each enum value or boolean of a node's `schema`, a JSON Schema.

    A payload that lacks other required properties is left out.
    """
    schema = settings.get("schema")
    if isinstance(schema, Mapping):
        yield from (item for item in _shortcuts(schema) if is_valid(schema, item.payload))


def _shortcuts(schema: Mapping[str, Any]) -> Iterable[Shortcut]:
    for value in _enum(schema):
        yield Shortcut(label=str(value), payload=value)
    properties = schema.get("properties")
    for name, part in properties.items() if isinstance(properties, Mapping) else ():
        if isinstance(part, Mapping) and part.get("type") == "boolean":
            yes, no = (
                ("Approve", "Reject") if name == "approved" else (f"{name}: yes", f"{name}: no")
            )
            yield Shortcut(label=yes, payload={name: True})
            yield Shortcut(label=no, payload={name: False})
        elif isinstance(part, Mapping):
            for value in _enum(part):
                yield Shortcut(label=f"{name}: {value}", payload={name: value})


def _enum(schema: Mapping[str, Any]) -> list[Any]:
    values = schema.get("enum")
    return values[:_MAX_SHOWN] if isinstance(values, list) else []
