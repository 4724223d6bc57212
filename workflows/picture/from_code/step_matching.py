"""Finds the node of each step of a run in the picture of a class, by the names in the code.

Names are often the same for several steps, as the platform counts them, or are only known in part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from workflows.ir.document.model import WorkflowIR
from workflows.picture.from_code.items import Pattern
from workflows.picture.from_code.model import CodePicture
from workflows.picture.step_matching import CONTEXT, KINDS, plain_name
from workflows.picture.step_order import RawStep, StepCall, StepOrder

_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "step": ("do",),
    "sleep": ("sleep", "sleep_until"),
    "waitForEvent": ("wait_for_event",),
}
_FAILED: Final = {"success": False}
_MAX_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedSteps:
    """The steps whose node was found, and the others, each in the order of their start."""

    calls: tuple[StepCall, ...]
    unmatched: tuple[RawStep, ...]


def match_steps(picture: CodePicture, steps: Iterable[RawStep]) -> MatchedSteps:
    """Return the steps of a run with their nodes. What is not a step, such as a rollback, is left out."""
    mappings = [step for step in steps if isinstance(step, Mapping)]
    relevant = [step for step in mappings if step.get("type", "step") in KINDS]
    ordered = sorted(relevant, key=lambda step: str(step.get("start") or "~"))
    if picture.ir is None:
        return MatchedSteps(calls=(), unmatched=tuple(ordered))
    calls = _Matcher(picture, picture.ir).match(ordered)
    return MatchedSteps(
        calls=tuple(call for call in calls if call),
        unmatched=tuple(step for step, call in zip(ordered, calls, strict=True) if not call),
    )


class _Matcher:
    """Knows the names of all steps in a class."""

    def __init__(self, picture: CodePicture, ir: WorkflowIR) -> None:
        self._ir = ir
        self._order = StepOrder(ir)
        self._exact: dict[tuple[str, str], list[str]] = {}
        self._patterns: list[tuple[int, Pattern, str, str]] = []
        self._by_start: dict[str, list[tuple[int, Pattern, str, str]]] = {}
        self._found: dict[tuple[str, str], list[str]] = {}
        for id_, patterns in picture.names.items():
            for pattern in patterns:
                self._add(id_, pattern)
        self._patterns.sort(key=lambda entry: -entry[0])

    def _add(self, id_: str, pattern: Pattern) -> None:
        type_ = self._ir.nodes[id_].type.name
        if None in pattern:
            known = sum(len(part or "") for part in pattern)
            self._patterns.append((known, pattern, type_, id_))
        else:
            name = "".join(part or "" for part in pattern)
            self._exact.setdefault((type_, name), []).append(id_)

    def match(self, steps: Sequence[RawStep]) -> list[StepCall | None]:
        """Return the node of each step; None if there is none."""
        options = [self._candidates(step) for step in steps]
        calls = [
            _call(ids[0], at, step) if len(ids) == 1 else None
            for at, (step, ids) in enumerate(zip(steps, options, strict=True))
        ]
        self._resolve_ambiguous(steps, options, calls)
        return list(self._with_indices(calls))

    def _candidates(self, step: RawStep) -> list[str]:
        """Return the nodes with the most specific of the names that fit."""
        name, kind = plain_name(step), str(step.get("type", "step"))
        key = kind, name
        if key not in self._found:
            if len(self._found) >= _MAX_REMEMBERED:
                self._found.clear()
            exact = [id_ for type_ in _TYPES[kind] for id_ in self._exact.get((type_, name), ())]
            self._found[key] = exact or list(self._fitting(name, _TYPES[kind]))
        return self._found[key]

    def _fitting(self, name: str, types: Sequence[str]) -> Iterator[str]:
        best = -1
        for known, pattern, type_, id_ in self._patterns_like(name[:1]):
            if known < best:
                return
            if type_ in types and fits(pattern, name):
                best = known
                yield id_

    def _patterns_like(self, start: str) -> list[tuple[int, Pattern, str, str]]:
        """Return the patterns that a name with this first character can fit."""
        if start not in self._by_start:
            self._by_start[start] = [
                entry for entry in self._patterns if (entry[1][0] or start)[:1] == start
            ]
        return self._by_start[start]

    def _resolve_ambiguous(
        self,
        steps: Sequence[RawStep],
        options: Sequence[Sequence[str]],
        calls: list[StepCall | None],
    ) -> None:
        """Choose among the nodes that share a name, which run in the order of the code."""
        used = {call.node_id for call in calls if call}
        last: dict[tuple[str, ...], int] = {}
        failed = {owner for call in calls if call for owner in self._order.broken_by(call)}
        aborted = {owner for call in calls if call for owner in self._aborted_by(call)}
        for at, step in enumerate(steps):
            ids = tuple(options[at])
            if len(ids) < 2:
                continue
            start = last.get(ids, -1) + 1
            turns = [(start + turn) % len(ids) for turn in range(len(ids))]
            context = calls[max(at - CONTEXT, 0) : at], calls[at + 1 : at + 1 + CONTEXT]
            free = [turn for turn in turns if ids[turn] not in used or self._repeats(ids[turn])]
            likely = (
                turn
                for turn in free
                if self._order.can_run(_call(ids[turn], at, step), failed)
                and self._order.fits(_call(ids[turn], at, step), *context)
                and aborted.isdisjoint(self._tried_in(ids[turn]))
            )
            chosen = next(likely, (free or turns)[0])
            call = calls[at] = _call(ids[chosen], at, step)
            last[ids] = chosen
            used.add(call.node_id)
            failed.update(self._order.broken_by(call))
            aborted.update(self._aborted_by(call))

    def _aborted_by(self, call: StepCall) -> list[str]:
        """Return the container that no longer runs its first region, because this step has failed in it."""
        if not self._order.broken_by(call):
            return []
        structure = self._ir.structure
        for region in structure.enclosing(structure.locations[call.node_id][0]):
            info = structure.regions[region]
            container = self._ir.nodes[info.owner].type.container
            if container is None or container.concurrent or container.repeats:
                return []
            if container.sequential and info.index == 0:
                return [info.owner]
        return []

    def _tried_in(self, id_: str) -> list[str]:
        """Return the containers whose first region the node is in."""
        return self._order.broken_by(StepCall(node_id=id_, part="", indices=(), raw=_FAILED))

    def _repeats(self, id_: str) -> bool:
        return self._depth(id_) > 0

    def _depth(self, id_: str) -> int:
        return self._order.loop_count(self._ir.structure.locations[id_][0])

    def _with_indices(self, calls: Sequence[StepCall | None]) -> Iterator[StepCall | None]:
        """Number the calls of each node in loops; which iteration of an outer loop it was is not known."""
        total = Counter(call.node_id for call in calls if call)
        counts: Counter[str] = Counter()
        for call in calls:
            if call is None:
                yield None
                continue
            depth, count = self._depth(call.node_id), counts[call.node_id]
            counts[call.node_id] += 1
            is_single = not depth and total[call.node_id] == 1
            yield replace(call, indices=() if is_single else (*[0] * (depth - 1), count))


def _call(node_id: str, at: int, step: RawStep) -> StepCall:
    """Return a call with an index of its own: in a loop, it may be in any iteration."""
    return StepCall(node_id=node_id, part="", indices=(at,), raw=step)


def fits(pattern: Pattern, name: str) -> bool:
    """Whether a name has the parts of a pattern in this order, with any text in place of None."""
    first, last = pattern[0] or "", pattern[-1] or ""
    if len(pattern) == 1:
        return pattern[0] is None or pattern[0] == name
    if not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in pattern[1:-1]:
        if part is None:
            continue
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
