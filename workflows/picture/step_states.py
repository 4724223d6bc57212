"""What the steps of one node say of it: its state, attempts, iterations and the time that it took."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflows.picture.labels import duration_label
from workflows.picture.states import State
from workflows.picture.step_matching import Raw, StepCall
from workflows.picture.timestamps import parse_timestamp

_CHILD_FAILED: Final = ("errored", "terminated")
_STATUS: Final = ": status"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSummary:
    """`indices` has one entry for each iteration; `ends_unseen`: the end of it is told by no step."""

    state: State
    attempts: int
    indices: tuple[tuple[int, ...], ...]
    took: str
    ends_unseen: bool = False


def summarize(calls: Sequence[StepCall], *, is_over: bool, is_awaited: bool) -> NodeSummary:
    """Sum up the steps of one node, in the order in which they began: the last iteration counts."""
    latest = [call for call in calls if call.indices == calls[-1].indices]
    is_child = any(call.part for call in calls)
    state = _child(latest, is_awaited=is_awaited) if is_child else _state(latest[-1].raw)
    ends_unseen = is_child and state is State.WAITING
    if is_over and state.is_active:
        state = State.STOPPED
    return NodeSummary(
        state=state,
        attempts=max((len(_attempts(call.raw)) for call in latest), default=0),
        indices=tuple(dict.fromkeys(call.indices for call in calls)),
        took=_took(calls, state=state, is_child=is_child),
        ends_unseen=ends_unseen,
    )


def _state(step: Raw) -> State:
    kind = step.get("type", "step")
    if kind == "step":
        return _of_work(step)
    if step.get("error"):
        return State.FAILED
    if step.get("finished"):
        return State.DONE
    return State.SLEEPING if kind == "sleep" else State.WAITING


def _of_work(step: Raw) -> State:
    if step.get("success") is not None:
        return State.DONE if step["success"] else State.FAILED
    attempts = _attempts(step)
    has_failed = bool(attempts) and attempts[-1].get("success") is False
    return State.RETRYING if has_failed else State.RUNNING


def _child(calls: Sequence[StepCall], *, is_awaited: bool) -> State:
    """A run that was started: it has ended when its status says so, or when nobody waits for it."""
    states = [_state(call.raw) for call in calls]
    if State.FAILED in states:
        return State.FAILED
    told = _child_status(calls[-1].raw) if calls[-1].part == _STATUS else ""
    if told in _CHILD_FAILED:
        return State.FAILED
    if told == "complete":
        return State.DONE
    if not is_awaited and not calls[-1].part and states[-1] is State.DONE:
        return State.DONE
    working = (state for state in states if state in (State.RUNNING, State.RETRYING))
    return next(working, State.WAITING)


def _child_status(step: Raw) -> str:
    try:
        output = json.loads(step.get("output") or "null")
    except (TypeError, ValueError):
        return ""
    return str(output.get("status", "")) if isinstance(output, Mapping) else ""


def _attempts(step: Raw) -> list[Mapping[str, Any]]:
    given = step.get("attempts")
    listed = given if isinstance(given, list) else []
    return [attempt for attempt in listed if isinstance(attempt, Mapping)]


def _took(calls: Sequence[StepCall], *, state: State, is_child: bool) -> str:
    """Say how long all iterations took that have ended; of a sleep, how long it will be."""
    if state in (State.RUNNING, State.RETRYING, State.WAITING, State.STOPPED):
        return ""
    times = [
        (parse_timestamp(call.raw.get("start")), parse_timestamp(call.raw.get("end")))
        for call in calls
    ]
    known = [(start, end) for start, end in times if start and end]
    if not known:
        return ""
    if is_child:
        return duration_label((known[-1][1] - known[0][0]).total_seconds())
    return duration_label(sum((end - start).total_seconds() for start, end in known))
