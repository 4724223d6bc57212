"""Which node each step of a run belongs to: by the names that the generated code gives to steps.

Nodes may share a name. Then the platform's counter and what ran before and after tell them apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflows.codegen.analysis.clashes import shorten
from workflows.codegen.analysis.step_names import step_names
from workflows.ir.document.model import NAME_LENGTH, Node, WorkflowIR
from workflows.ir.validation.limits import INDEX_LENGTH, MAX_NAME_INDICES, SUFFIX_LENGTH

Raw = Mapping[str, Any]
Key = tuple[str, int]

_COUNTER: Final = re.compile(r"-\d+$")
_INDICES: Final = re.compile(r" ?((?:\[\d+\])+)$")
_NUMBER: Final = re.compile(r"\d+")
_KINDS: Final = ("step", "sleep", "waitForEvent")
_AGAIN: Final = (": wait", ": status")  # what a node that waits for another run calls repeatedly
_NEAR: Final = 8  # steps before and after one that are looked at to tell equal names apart


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """A step of a run; `indices` are those of the loops around its node, `part` what of it it is."""

    node_id: str
    part: str
    indices: tuple[int, ...]
    raw: Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    node_id: str
    part: str


class Matcher:
    """Knows the names of all steps that a document may call."""

    def __init__(self, ir: WorkflowIR) -> None:
        self._ir = ir
        self._by_name: dict[Key, list[_Candidate]] = {}
        self._deep: list[tuple[str, _Candidate]] = []
        suffixes = step_names(ir).suffixes
        for id_ in ir.structure.locations:
            if has_steps(ir.nodes[id_]):
                self._note(ir.nodes[id_], suffixes.get(id_, ""))

    def called(self, steps: Iterable[Raw]) -> list[StepCall]:
        """Return the steps whose node is known, in the order in which they began."""
        known = [step for step in steps if isinstance(step, Mapping)]
        usual = [step for step in known if step.get("type", "step") in _KINDS]
        ordered = sorted(usual, key=lambda step: str(step.get("start") or "~"))
        found: list[StepCall | None] = []
        for step in ordered:
            candidates, indices = self._candidates(_name_of(step))
            sure = candidates[0] if len(candidates) == 1 else None
            found.append(_called(sure, indices, step) if sure else None)
        self._settle(ordered, found)
        return [one for one in found if one]

    def _note(self, node: Node, suffix: str) -> None:
        """Write down the names of a node's steps, as workflows.codegen.analysis.step_names makes them."""
        depth = self._depth(node.id)
        for part in node.type.step_suffixes:
            room = NAME_LENGTH - INDEX_LENGTH * min(depth, MAX_NAME_INDICES)
            room -= SUFFIX_LENGTH if any(node.type.step_suffixes) else 0
            name = shorten(node.name, room - len(suffix)) + suffix + part
            candidate = _Candidate(node_id=node.id, part=part)
            if depth > MAX_NAME_INDICES:
                self._deep.append((name, candidate))
            else:
                self._by_name.setdefault((name, depth), []).append(candidate)

    def _depth(self, id_: str) -> int:
        return self._loops(self._ir.structure.locations[id_][0])

    def _loops(self, place: int) -> int:
        """Return how many loops are around a place."""
        structure, nodes = self._ir.structure, self._ir.nodes
        owners = (structure.regions[around].owner for around in structure.enclosing(place))
        containers = (nodes[owner].type.container for owner in owners)
        return sum(container is not None and container.repeats for container in containers)

    def _candidates(self, name: str) -> tuple[list[_Candidate], tuple[int, ...]]:
        """Return what may be called so: the last few numbers of a name are indices of loops, or its own."""
        match = _INDICES.search(name)
        numbers = tuple(map(int, _NUMBER.findall(match[1]))) if match else ()
        for depth in range(min(len(numbers), MAX_NAME_INDICES), -1, -1):
            indices = numbers[len(numbers) - depth :]
            ending = " " + "".join(f"[{index}]" for index in indices) if depth else ""
            found = self._by_name.get((name.removesuffix(ending), depth))
            if found and name.endswith(ending):
                return found, indices
        start = name[: match.start()] if match else name
        deep = [one for full, one in self._deep if full.startswith(start)] if match else []
        return deep, numbers

    def _settle(self, steps: Sequence[Raw], found: list[StepCall | None]) -> None:
        """Find the nodes of steps whose name several nodes have.

        Those never run at the same time: in each iteration they come one after another, as in the tree.
        """
        left: dict[str, list[_Candidate]] = {}
        failed = {owner for one in found if one for owner in self._broken_by(one)}
        for at, step in enumerate(steps):
            if found[at]:
                continue
            name = _name_of(step)
            candidates, indices = self._candidates(name)
            free = left.setdefault(name, list(candidates))
            near = found[max(at - _NEAR, 0) : at], found[at + 1 : at + 1 + _NEAR]
            calls = (_called(one, indices, step) for one in free)
            fits = (self._catches(call, failed) and self._fits(call, *near) for call in calls)
            chosen = next((nth for nth, fit in enumerate(fits) if fit), 0)
            if free:
                call = found[at] = _called(free[chosen], indices, step)
                failed.update(self._broken_by(call))
                repeats = free[chosen].part in _AGAIN
                del free[: chosen + (not repeats)]

    def _broken_by(self, call: StepCall) -> list[str]:
        """Return the containers whose first region a step that failed for good has broken off."""
        if call.raw.get("success") is not False and not call.raw.get("error"):
            return []
        return [owner for owner, turn, _ in self._in_turn_around(call.node_id) if turn == 0]

    def _catches(self, call: StepCall, failed: Collection[str]) -> bool:
        """Whether something has failed that the node is there to catch, where it is there for that."""
        around = self._in_turn_around(call.node_id)
        return all(owner in failed for owner, turn, cleans in around if turn and not cleans)

    def _in_turn_around(self, id_: str) -> Iterator[tuple[str, int, bool]]:
        """Yield the containers around a node whose regions run one after another, and which of them it is in."""
        structure = self._ir.structure
        for at in structure.enclosing(structure.locations[id_][0]):
            place = structure.regions[at]
            if place.owner in structure.sequential:
                container = self._ir.nodes[place.owner].type.container
                yield (
                    place.owner,
                    place.index,
                    container is not None and place.label in container.cleanup,
                )

    def _fits(
        self, asked: StepCall, before: Iterable[StepCall | None], after: Iterable[StepCall | None]
    ) -> bool:
        """Whether the step may have run between those that are known before and after it."""
        return not any(one and self._forbids(asked, one) for one in before) and not any(
            one and self._forbids(one, asked) for one in after
        )

    def _forbids(self, earlier: StepCall, later: StepCall) -> bool:
        """Whether the later one cannot have begun before the earlier one, or not in the same run."""
        structure = self._ir.structure
        here, there = structure.locations[earlier.node_id][0], structure.locations[later.node_id][0]
        common = structure.common(here, there)
        loops = self._loops(common)
        if earlier.indices[:loops] != later.indices[:loops]:
            return False
        is_first = structure.precedes(earlier.node_id, later.node_id)
        return is_first or self._excludes(earlier.node_id, later.node_id, common)

    def _excludes(self, one: str, other: str, common: int) -> bool:
        """Whether the nodes stand in arms of which only one is taken."""
        structure = self._ir.structure
        position, inner = structure.position_in(common, one)
        place, outer = structure.position_in(common, other)
        if position != place or inner == outer or inner < 0 or outer < 0:
            return False
        owner = self._ir.nodes[structure.regions[inner].owner].type.container
        return owner is not None and owner.alternatives and not structure.precedes(other, one)


def has_steps(node: Node) -> bool:
    """Whether a node that runs leaves a trace: branches, loops and the like call no step themselves."""
    type_ = node.type
    return type_.breaks is None and (type_.container is None or type_.step_count is not None)


def _called(candidate: _Candidate, indices: tuple[int, ...], step: Raw) -> StepCall:
    return StepCall(node_id=candidate.node_id, part=candidate.part, indices=indices, raw=step)


def _name_of(step: Raw) -> str:
    """Return the name without the platform's counter."""
    return _COUNTER.sub("", str(step.get("name") or ""))
