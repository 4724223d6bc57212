"""Makes a document of what was read from a class, for the rest of the picture."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from workflows.ir.document.model import Metadata, Node, WorkflowIR
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.region_tree import Region, RegionInfo, Step, Structure
from workflows.ir.document.step_policy import Rollback, StepPolicy
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.fields import Code, Duration, Text
from workflows.picture.from_code.items import Arm, Item, has_recursion
from workflows.picture.from_code.kinds import (
    RECURSIVE_FUNCTION,
    STEP_WITH_STEPS,
    TYPES,
    CodeSettings,
)
from workflows.picture.from_code.model import ClassCode, CodePicture, CodeProblem

CODE: Final = "code"
"""The kind of a document that was read from code."""
_CHOICES: Final = ("branch", "switch")
_WHOLE: Final = re.compile(r"[0-9]{1,6}")


def document_of(
    code: ClassCode, *, problems: Sequence[CodeProblem], is_complete: bool
) -> CodePicture:
    """Return the picture of a class that has at least one item."""
    ids = _ids(code.items)
    items = {ids[id(item)]: item for item in _every(code.items)}
    builder = _Builder(ids)
    root = builder.region(code.items, _Spot())
    structure = Structure(
        root=root,
        regions=tuple(builder.infos()),
        locations=builder.locations,
        sequential=frozenset(id_ for id_, item in items.items() if item.kind == "try"),
    )
    ir = WorkflowIR(
        kind=CODE,
        metadata=Metadata(name=code.name, description="", version=1, created_at="", updated_at=""),
        trigger=Trigger(kind=CODE),
        nodes={id_: _node(id_, item) for id_, item in items.items()},
        edges=(),
        entry=ids[id(code.items[0])],
        structure=structure,
    )
    return CodePicture(
        class_name=code.name,
        ir=ir,
        places={id_: item.place for id_, item in items.items()},
        names={id_: item.names for id_, item in items.items() if item.names},
        configs={id_: item.config for id_, item in items.items() if item.config},
        problems=tuple(problems),
        is_complete=is_complete,
    )


def _every(items: Iterable[Item]) -> Iterator[Item]:
    """Yield the items and those inside of them, in the order of the code."""
    for item in items:
        yield item
        for arm in item.arms:
            yield from _every(arm.items)


def _ids(items: Iterable[Item]) -> dict[int, str]:
    """Return an id of file and line for each item; the others of the same line get a number."""
    found: dict[int, str] = {}
    used: dict[str, int] = {}
    for item in _every(items):
        id_ = f"{item.place.file}:{item.place.line}"
        used[id_] = used.get(id_, 0) + 1
        found[id(item)] = id_ if used[id_] == 1 else f"{id_}#{used[id_]}"
    return found


def _node(id_: str, item: Item) -> Node:
    conditions = (None if arm.is_else else _code(arm.label) for arm in item.arms)
    settings = CodeSettings(
        about=item.about,
        conditions=tuple(conditions) if item.kind in _CHOICES else (),
        policy=_policy(item.config) if item.config else None,
    )
    return Node(id=id_, type=_type(item), name=item.name, settings=settings, fields=())


def _type(item: Item) -> NodeType:
    if item.kind == "do" and item.arms:
        return STEP_WITH_STEPS
    if item.kind == "function" and has_recursion(item):
        return RECURSIVE_FUNCTION
    return TYPES[item.kind]


def _code(source: str) -> Code:
    return Code("", source, is_expression=True, references=())


def _policy(config: Mapping[str, str]) -> StepPolicy:
    """Return the options of a step; what is not written has the default of the platform."""
    limit = config.get("limit", "")
    plain = StepPolicy(
        limit=int(limit) if _WHOLE.fullmatch(limit) else 5,
        delay=_duration(config.get("delay", "10 seconds")),
        backoff=config.get("backoff", "exponential"),
        timeout=_duration(config.get("timeout", "10 minutes")),
        sensitive=True if config.get("sensitive") == "output" else None,
    )
    if "rollback" not in config:
        return plain
    rollback = Rollback(code=_code(config["rollback"]), policy=plain)
    return StepPolicy(
        limit=plain.limit,
        delay=plain.delay,
        backoff=plain.backoff,
        timeout=plain.timeout,
        sensitive=plain.sensitive,
        rollback=rollback,
    )


def _duration(source: str) -> Duration:
    return Duration(Text("", source, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """Where a region is: in the region `parent`, as one of those of the container `owner`."""

    parent: int = -1
    owner: str = ""
    label: str = ""
    depth: int = 0
    position: int = 0
    index: int = 0


@dataclass(slots=True)
class _Builder:
    """Builds the tree of regions, the outer ones before the inner ones."""

    ids: Mapping[int, str]
    locations: dict[str, tuple[int, int]] = field(default_factory=dict)
    _spots: list[_Spot] = field(default_factory=list)
    _leads_to: dict[int, set[int]] = field(default_factory=dict)

    def region(self, items: Sequence[Item], spot: _Spot, continues_at: str = "") -> Region:
        id_ = len(self._spots)
        self._spots.append(spot)
        for position, item in enumerate(items):
            self.locations[self.ids[id(item)]] = (id_, position)
        steps = tuple(self._step(item, id_, position) for position, item in enumerate(items))
        return Region(id=id_, label=spot.label, steps=steps, continues_at=continues_at)

    def _step(self, item: Item, parent: int, position: int) -> Step:
        owner = self.ids[id(item)]
        depth = self._spots[parent].depth + 1
        arms = item.arms
        entered = {_entered(arms, arm) for arm in arms} - {-1}
        regions: list[Region] = []
        shared: dict[int, Region] = {}
        for index, arm in enumerate(arms):
            spot = _Spot(parent=parent, owner=owner, label=arm.label, depth=depth, position=position, index=index)  # fmt: skip
            items = () if index in entered else arm.items
            regions.append(self.region(items, spot, self._next(arms, index, entered)))
        for number, index in enumerate(sorted(entered)):
            spot = _Spot(parent=parent, owner=owner, depth=depth, position=position, index=len(arms) + number)  # fmt: skip
            follows = self._first(arms, _entered(arms, arms[index]))
            shared[index] = self.region(arms[index].items, spot, follows)
        self._connect(arms, regions, shared)
        return Step(node_id=owner, regions=tuple(regions), shared=tuple(shared.values()))

    def _next(self, arms: Sequence[Arm], index: int, entered: set[int]) -> str:
        """Return the node at which a run continues after an arm, "" for the end of the container."""
        return self._first(arms, index if index in entered else _entered(arms, arms[index]))

    def _first(self, arms: Sequence[Arm], index: int) -> str:
        return self.ids[id(arms[index].items[0])] if index >= 0 else ""

    def _connect(
        self, arms: Sequence[Arm], regions: Sequence[Region], shared: Mapping[int, Region]
    ) -> None:
        """Note which regions lead to which shared ones."""
        for index, region in enumerate(regions):
            following = index if index in shared else _entered(arms, arms[index])
            if following >= 0:
                self._leads_to.setdefault(region.id, set()).add(shared[following].id)
        for index, region in shared.items():
            following = _entered(arms, arms[index])
            if following >= 0:
                self._leads_to.setdefault(region.id, set()).add(shared[following].id)

    def infos(self) -> Iterator[RegionInfo]:
        """Yield what is known about each region, by id."""
        reached = [0] * len(self._spots)
        for id_, spot in enumerate(self._spots):
            leads_to = self._leads_to.get(id_, set())
            for shared in leads_to:
                reached[shared] |= reached[id_] | 1 << spot.index
            yield RegionInfo(
                parent=spot.parent,
                owner=spot.owner,
                label=spot.label,
                depth=spot.depth,
                position=spot.position,
                index=spot.index,
                leads_to=frozenset(leads_to),
                reached_from=reached[id_],
            )


def _entered(arms: Sequence[Arm], arm: Arm) -> int:
    """Return the index of the arm with items that runs after this one, -1 for none."""
    at = arm.falls_to
    while at >= 0 and not arms[at].items:
        at = arms[at].falls_to
    return at
