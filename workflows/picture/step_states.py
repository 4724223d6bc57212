"""Summarizes the steps of one node: its state, attempts, iterations and duration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from workflows.picture.labels import duration_label
from workflows.picture.states import State
from workflows.picture.step_order import RawStep, StepCall
from workflows.picture.timestamps import parse_timestamp

_CHILD_FAILED: Final = ("errored", "terminated")
_STATUS: Final = ": status"
_WAIT: Final = ": wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """The steps of a node; `indices` has one entry for each iteration.

    `has_hidden_end` is set if the node's end leaves no step, as when the run that it waits for ends.
    """

    state: State
    attempts: int
    indices: tuple[tuple[int, ...], ...]
    duration: str
    has_hidden_end: bool = False


class Kind(Enum):
    """How the steps of a node relate to each other.

    ATTEMPTS: they are attempts of the same work. SEQUENCE: they follow each other, and the last one
    decides. CHILD: they start a run; AWAITED_CHILD: and wait for its end.
    """

    ATTEMPTS = auto()
    SEQUENCE = auto()
    CHILD = auto()
    AWAITED_CHILD = auto()

    @property
    def is_child(self) -> bool:
        return self in (Kind.CHILD, Kind.AWAITED_CHILD)


def summarize(calls: Sequence[StepCall], *, is_over: bool, kind: Kind) -> NodeSummary:
    """Summarize the steps of one node, given in the order of their start; the last iteration counts."""
    latest = [call for call in calls if call.indices == calls[-1].indices]
    state = _state_of(latest, kind)
    has_hidden_end = kind.is_child and state is State.WAITING
    if is_over and state.is_active:
        state = State.STOPPED
    return NodeSummary(
        state=state,
        attempts=_attempt_count(latest, kind),
        indices=tuple(dict.fromkeys(call.indices for call in calls)),
        duration=_duration(calls, state=state, is_sum=kind is Kind.ATTEMPTS),
        has_hidden_end=has_hidden_end,
    )


def _state_of(calls: Sequence[StepCall], kind: Kind) -> State:
    match kind:
        case Kind.ATTEMPTS:
            return _of_attempts(calls)
        case Kind.SEQUENCE:
            return _state(calls[-1].raw)
        case _:
            return _child(calls, awaits_child=kind is Kind.AWAITED_CHILD)


def _state(step: RawStep) -> State:
    kind = step.get("type", "step")
    if kind == "step":
        return _attempted_state(step)
    if step.get("error"):
        return State.FAILED
    if step.get("finished"):
        return State.DONE
    return State.SLEEPING if kind == "sleep" else State.WAITING


def _of_attempts(calls: Sequence[StepCall]) -> State:
    """Return the state of a node; a race waits before each further attempt, and may store its values."""
    attempts = [call for call in calls if not call.part]
    is_waiting = calls[-1].part == _WAIT and not calls[-1].raw.get("finished")
    if is_waiting:
        return State.RETRYING
    return _state(attempts[-1].raw) if attempts else State.RUNNING


def _attempt_count(calls: Sequence[StepCall], kind: Kind) -> int:
    """Return the attempts of the node; those of a race and its arms are steps of their own."""
    if kind is Kind.ATTEMPTS:
        return sum(len(_attempts(call.raw)) for call in calls if not call.part)
    return max((len(_attempts(call.raw)) for call in calls), default=0)


def _attempted_state(step: RawStep) -> State:
    if step.get("success") is not None:
        return State.DONE if step["success"] else State.FAILED
    attempts = _attempts(step)
    has_failed = bool(attempts) and attempts[-1].get("success") is False
    return State.RETRYING if has_failed else State.RUNNING


def _child(calls: Sequence[StepCall], *, awaits_child: bool) -> State:
    """Return the state of a node that starts a run.

    It ends with that run, or with the start if the node does not wait.
    """
    states = [_state(call.raw) for call in calls]
    if State.FAILED in states:
        return State.FAILED
    child_status = _child_status(calls[-1]) if calls[-1].part == _STATUS else ""
    if child_status in _CHILD_FAILED:
        return State.FAILED
    if child_status == "complete":
        return State.DONE
    if not awaits_child and not calls[-1].part and states[-1] is State.DONE:
        return State.DONE
    active = (state for state in states if state in (State.RUNNING, State.RETRYING))
    return next(active, State.WAITING)


def _child_status(call: StepCall) -> str:
    output = call.output
    return str(output.get("status", "")) if isinstance(output, Mapping) else ""


def _attempts(step: RawStep) -> list[Mapping[str, Any]]:
    value = step.get("attempts")
    attempts = value if isinstance(value, list) else []
    return [attempt for attempt in attempts if isinstance(attempt, Mapping)]


def _duration(calls: Sequence[StepCall], *, state: State, is_sum: bool) -> str:
    """Format the duration of all ended iterations; of a sleep, the time until its end.

    It is the sum of all steps, or the time from the start of the first to the end of the last.
    """
    if state in (State.RUNNING, State.RETRYING, State.WAITING, State.STOPPED):
        return ""
    times = [
        (parse_timestamp(call.raw.get("start")), parse_timestamp(call.raw.get("end")))
        for call in calls
    ]
    complete = [(start, end) for start, end in times if start and end]
    if not complete:
        return ""
    if not is_sum:
        return duration_label((complete[-1][1] - complete[0][0]).total_seconds())
    return duration_label(sum((end - start).total_seconds() for start, end in complete))
