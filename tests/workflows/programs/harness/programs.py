"""Random programs as trees, which become documents and can be interpreted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from tests.workflows.ir.documents import branch, document, node

Kind = Literal["step", "fail", "branch", "parallel", "race", "loop", "try_catch", "break", "wait"]
HIDING = ("i", "item", "err", "ctx", "event", "env", "step")
CONTAINERS: tuple[Kind, ...] = ("branch", "parallel", "race", "loop", "try_catch")


@dataclass(slots=True)
class Item:
    """A node and its regions; `reads` are earlier nodes whose values it uses.

    `own` are names that its code declares for itself, which hide those around it. A `break` outside of
    a loop always breaks if it has a `break_at`.
    """

    kind: Kind
    id: str
    regions: list[list[Item]] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    times: int = 0
    form: str = ""
    chosen: int = 0
    has_then: bool = True
    break_at: int = -1
    in_loop: bool = False
    own: tuple[str, ...] = ()


class ProgramGenerator:
    """Generates random programs from the given containers."""

    def __init__(self, random: Random, containers: tuple[Kind, ...] = CONTAINERS) -> None:
        self._random = random
        self._containers = containers
        self._count = 0

    def program(self, *, depth: int, length: int) -> list[Item]:
        """Return a program nested at most `depth` deep."""
        program = self._region(depth, length=length, loops=0)
        _choose_reads(program, [], self._random)
        return program

    def _region(self, depth: int, *, length: int, loops: int) -> list[Item]:
        return [self._item(depth, loops=loops) for _ in range(self._random.randint(1, length))]

    def _item(self, depth: int, *, loops: int) -> Item:
        self._count += 1
        id_ = f"n{self._count}"
        if depth and self._random.random() < 0.6:
            kind = self._random.choice(self._containers)
            return self.container(kind, id_, depth=depth, loops=loops)
        if self._random.random() < (0.12 if loops else 0.03):
            return Item("break", id_, break_at=self._random.choice([0, 1, 1, 5]), in_loop=loops > 0)
        if self._random.random() < 0.1:
            return Item("fail", id_)
        own = self._random.sample(HIDING, 2) if self._random.random() < 0.2 else ()
        return Item("step", id_, in_loop=loops > 0, own=tuple(own))

    def container(self, kind: Kind, id_: str, *, depth: int, loops: int = 0) -> Item:
        random = self._random
        item = Item(kind, id_, has_then=kind == "loop" or random.random() < 0.5)
        item.times, item.form = random.randint(0, 3), random.choice(["forEach", "while", "times"])
        count = {"loop": 1, "try_catch": random.choice([2, 3])}.get(kind, random.randint(2, 3))
        loops += kind == "loop"
        item.regions = [self._region(depth - 1, length=2, loops=loops) for _ in range(count)]
        item.chosen = random.randrange(count + 1)  # one more than arms: no condition is true
        return item


def _choose_reads(region: list[Item], before: list[str], random: Random) -> None:
    """Choose what each step reads: any of the nodes that may have run before it."""
    for item in region:
        if item.kind == "step":
            item.reads = random.sample(before, min(len(before), 3))
        seen = list(before)
        for inner in item.regions:
            _choose_reads(inner, list(seen if item.kind == "try_catch" else before), random)
            seen += [step.id for step in walk(inner) if step.kind == "step"]
        before += [step.id for step in walk([item]) if step.kind == "step"]


def walk(region: list[Item]) -> Iterator[Item]:
    for item in region:
        yield item
        for inner in item.regions:
            yield from walk(inner)


def document_of(program: list[Item], *, undo: str = "") -> dict[str, Any]:
    """Return the document of a program; with `undo`, steps have rollbacks that report to this address."""
    nodes: list[dict[str, Any]] = []
    edges: list[str] = []
    _connect(program, nodes, edges, after="", undo=undo)
    return document(nodes, *edges)


def _connect(
    region: list[Item], nodes: list[dict[str, Any]], edges: list[str], *, after: str, undo: str
) -> None:
    """Add the nodes of a region; its last one leads to `after`, "" for nowhere."""
    for item, following in zip(region, [*(next_.id for next_ in region[1:]), after], strict=True):
        nodes.append(_node(item))
        if undo and item.kind in ("step", "fail"):
            nodes[-1]["data"]["rollback"] = _rollback(item, undo)
        if not item.regions:
            edges += [f"{item.id} {following}"] if following else []
            continue
        then = following if item.has_then or len(item.regions) < 2 else ""
        edges += [f"{item.id} {then} then"] if then else []
        is_race = item.kind == "race"
        for number, inner in enumerate(item.regions):
            first = inner
            if is_race and number:  # so that the first arm wins
                pause = Item("step", f"{item.id}_{number}")
                nodes.append(node(pause.id, "sleep", duration=400))
                edges += [
                    f"{item.id} {pause.id} {_label(item, number)}",
                    f"{pause.id} {inner[0].id}",
                ]
            else:
                edges.append(f"{item.id} {first[0].id} {_label(item, number)}")
            _connect(
                inner,
                nodes,
                edges,
                after="" if then else following,
                undo="" if is_race else undo,
            )


def _label(item: Item, number: int) -> str:
    if item.kind == "try_catch":
        return ("try", "catch", "finally")[number]
    return "body" if item.kind == "loop" else f"arm{number}"


def _node(item: Item) -> dict[str, Any]:
    match item.kind:
        case "step":
            seen = "".join(f", {id_}?.at" for id_ in item.reads)
            index = "i" if item.in_loop else "-1"
            own = "".join(f"const {name} = 'own'; " for name in item.own)
            code = f"{own}return {{ at: '{item.id}', i: {index}, saw: [''{seen}] }};"
            return node(item.id, code=code)
        case "fail":
            return node(item.id, code=f"throw new Error('{item.id}');", retryLimit=0)
        case "branch":
            chosen = {f"arm{at}": str(at == item.chosen).lower() for at in range(len(item.regions))}
            return branch(item.id, **chosen)
        case "loop":
            return node(item.id, "loop", loopType=item.form, **_repeats(item))
        case "wait":
            return node(item.id, "wait_for_event", eventType="call", timeout="1 hour")
        case "break":
            condition = (
                f"i === {item.break_at}" if item.in_loop else f"event && {item.break_at} < 5"
            )
            return node(item.id, "break", condition=condition)
    return node(item.id, item.kind)


def _rollback(item: Item, address: str) -> str:
    """Return code that reports what it sees: its own iteration, even after the loop has ended."""
    seen = "".join(f", {id_}?.at" for id_ in item.reads)
    index = "i" if item.in_loop else "-1"
    report = f"{{ at: '{item.id}', i: {index}, saw: [''{seen}], got: output?.at }}"
    return f"await fetch('{address}', {{ method: 'POST', body: JSON.stringify({report}) }});"


def _repeats(item: Item) -> dict[str, Any]:
    match item.form:
        case "forEach":
            return {"collection": str(list(range(item.times)))}
        case "while":
            return {"condition": f"i < {item.times}"}
    return {"count": item.times}
