"""Finds the node of each step of a run by the name that the generated code gives to the step.

If nodes share a name, the platform's counter and the steps before and after decide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from workflows.codegen.analysis.step_names import shorten, step_names
from workflows.codegen.analysis.usage import written_order
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.names import NAME_LENGTH
from workflows.ir.validation.limits import INDEX_LENGTH, MAX_NAME_INDICES, MAX_PARTS, SUFFIX_LENGTH
from workflows.picture.step_order import RawStep, StepCall, StepOrder

Key = tuple[str, int]

_COUNTER: Final = re.compile(r"-[0-9]+$")
_INDICES: Final = re.compile(r" ?((?:\[[0-9]+\])+)$")
_ATTEMPTS: Final = re.compile(r"(?: \(attempt [0-9]+\))+$")
_NUMBER: Final = re.compile(r"[0-9]+")
KINDS: Final = ("step", "sleep", "waitForEvent")
_REPEATED_PARTS: Final = (": wait", ": status")  # called until another run or a race has ended
CONTEXT: Final = 8  # steps before and after that help to distinguish equal names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    node_id: str
    part: str


class Matcher:
    """Knows the names of all steps that a document can call."""

    def __init__(self, ir: WorkflowIR) -> None:
        self._ir = ir
        self._order = StepOrder(ir)
        self._by_name: dict[Key, list[_Candidate]] = {}
        self._deeply_nested: list[tuple[str, _Candidate]] = []
        suffixes = step_names(ir).suffixes
        for id_ in written_order(ir.structure.root):
            if has_steps(ir.nodes[id_]):
                self._add(ir.nodes[id_], suffixes.get(id_, ""))

    def names_of(self, node_id: str, part: str = "") -> list[str]:
        """Return the names that a node's step can have, without the indices of loops."""
        candidate = _Candidate(node_id=node_id, part=part)
        return [name for (name, _), all_ in self._by_name.items() if candidate in all_]

    def nodes_named_like(self, node_id: str) -> set[str]:
        """Return the other nodes whose steps can have the name of this node's step."""
        names = set(self.names_of(node_id))
        candidates = (all_ for (name, _), all_ in self._by_name.items() if name in names)
        return {candidate.node_id for all_ in candidates for candidate in all_} - {node_id}

    def match(self, steps: Iterable[RawStep]) -> list[StepCall]:
        """Return the steps whose node was found, in the order of their start."""
        mappings = [step for step in steps if isinstance(step, Mapping)]
        relevant = [step for step in mappings if step.get("type", "step") in KINDS]
        ordered = sorted(relevant, key=lambda step: str(step.get("start") or "~"))
        calls: list[StepCall | None] = []
        for step in ordered:
            candidates, indices = self._candidates(plain_name(step))
            only = candidates[0] if len(candidates) == 1 else None
            calls.append(_step_call(only, indices, step) if only else None)
        self._resolve_ambiguous(ordered, calls)
        return [call for call in calls if call]

    def _add(self, node: Node, suffix: str) -> None:
        """Add the names of a node's steps, built as in workflows.codegen.analysis.step_names."""
        depth = self._depth(node.id)
        room = NAME_LENGTH - INDEX_LENGTH * min(depth, MAX_NAME_INDICES) - len(suffix)
        rooms = [room - SUFFIX_LENGTH * parts for parts in range(MAX_PARTS + 1)]
        names = dict.fromkeys(shorten(node.name, room) for room in rooms)
        for part in node.type.step_suffixes:
            candidate = _Candidate(node_id=node.id, part=part)
            for name in (name + suffix + part for name in names):
                if depth > MAX_NAME_INDICES:
                    self._deeply_nested.append((name, candidate))
                else:
                    self._by_name.setdefault((name, depth), []).append(candidate)

    def _depth(self, id_: str) -> int:
        return self._order.loop_count(self._ir.structure.locations[id_][0])

    def _candidates(self, name: str) -> tuple[list[_Candidate], tuple[int, ...]]:
        """Return the candidates for a name, and its loop indices.

        Numbers at the end of a step's name are loop indices, or part of the node's name.
        """
        match = _INDICES.search(name)
        numbers = tuple(map(int, _NUMBER.findall(match[1]))) if match else ()
        for depth in range(min(len(numbers), MAX_NAME_INDICES), -1, -1):
            indices = numbers[len(numbers) - depth :]
            ending = " " + "".join(f"[{index}]" for index in indices) if depth else ""
            candidates = self._named(name.removesuffix(ending), depth)
            if candidates and name.endswith(ending):
                return candidates, indices
        start = name[: match.start()] if match else name
        if not match:
            return [], numbers
        nested = [one for full, one in self._deeply_nested if full.startswith(start)]
        return nested, numbers

    def _named(self, name: str, depth: int) -> list[_Candidate]:
        """Return the candidates for a name without indices, whatever the attempt of a race."""
        exact = self._by_name.get((name, depth))
        return exact or self._by_name.get((_ATTEMPTS.sub("", name), depth), [])

    def _resolve_ambiguous(self, steps: Sequence[RawStep], calls: list[StepCall | None]) -> None:
        """Find the nodes of steps whose name several nodes share.

        Such nodes never run in parallel: in each iteration they run one after another, in the order
        of the tree.
        """
        remaining: dict[str, list[_Candidate]] = {}
        failed = {owner for call in calls if call for owner in self._order.broken_by(call)}
        for at, step in enumerate(steps):
            if calls[at]:
                continue
            name = plain_name(step)
            candidates, indices = self._candidates(name)
            free = remaining.setdefault(name, list(candidates))
            context = calls[max(at - CONTEXT, 0) : at], calls[at + 1 : at + 1 + CONTEXT]
            options = (_step_call(candidate, indices, step) for candidate in free)
            fits = (
                self._order.can_run(call, failed) and self._order.fits(call, *context)
                for call in options
            )
            chosen = next((number for number, fit in enumerate(fits) if fit), 0)
            if free:
                call = calls[at] = _step_call(free[chosen], indices, step)
                failed.update(self._order.broken_by(call))
                del free[: chosen + (not self._repeats(call))]

    def _repeats(self, call: StepCall) -> bool:
        """Return whether the node can call the same step again."""
        type_ = self._ir.nodes[call.node_id].type
        is_output = type_.is_output(call.part, call.output)
        return call.part in _REPEATED_PARTS or (type_.has_output is not None and not is_output)


def has_steps(node: Node) -> bool:
    """Return whether the node itself calls steps; branches, loops and the like do not."""
    type_ = node.type
    return type_.breaks is None and (type_.container is None or type_.step_count is not None)


def _step_call(candidate: _Candidate, indices: tuple[int, ...], step: RawStep) -> StepCall:
    return StepCall(node_id=candidate.node_id, part=candidate.part, indices=indices, raw=step)


def plain_name(step: RawStep) -> str:
    """Return the step's name without the platform's counter."""
    return _COUNTER.sub("", str(step.get("name") or ""))
