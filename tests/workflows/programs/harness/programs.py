"""Random programs as trees, which become documents and can be interpreted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from tests.workflows.ir.documents import branch, document, node

Kind = Literal[
    "step", "fail", "branch", "parallel", "race", "loop", "try_catch", "break", "wait", "late", "sleep",
]  # fmt: skip
HIDING = ("i", "item", "err", "ctx", "event", "env", "step")
LOOP_NAMES = (
    "i", "item", "n1", "n3", "w2", "last", "results", "values", "attempt", "won_n3", "run_n4", "first_n2",
    "left_n5", "results_n2", "output", "error", "shown", "asMilliseconds", "self", "async", "of", "ä", "NaN",
)  # fmt: skip
WAITING: tuple[Kind, ...] = ("wait", "late", "sleep")
HEARD = {"at": "heard"}  # the payload of each event
LATE = "WorkflowTimeoutError: Execution timed out after 30ms"
CONTAINERS: tuple[Kind, ...] = ("branch", "parallel", "race", "loop", "try_catch")


@dataclass(slots=True)
class Item:
    """A node and its regions; `reads` are earlier nodes whose values it uses.

    `own` are names that its code declares for itself, which hide those around it; `scope` are the names
    that it gets from the loops and catches around it. `names` are those of a loop: its index and item.
    A `break` outside of a loop always breaks if it has a `break_at`. The ids of waits begin with "w".
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
    scope: tuple[str, ...] = ()
    names: tuple[str, str] = ("i", "item")
    retries: int = 0
    collects: bool = False


class ProgramGenerator:
    """Generates random programs from the given containers.

    With `is_rich`, they also wait, sleep and miss events, have empty arms, retry races, collect errors,
    and hide names.
    """

    def __init__(
        self, random: Random, containers: tuple[Kind, ...] = CONTAINERS, *, is_rich: bool = False
    ) -> None:
        self._random = random
        self._containers = containers
        self._is_rich = is_rich
        self._count = 0
        self._scope: list[str] = []
        self._loops: list[tuple[str, str]] = [("i", "item")]

    def program(self, *, depth: int, length: int) -> list[Item]:
        """Return a program nested at most `depth` deep."""
        program = self._region(depth, length=length, loops=0)
        _choose_reads(program, [], self._random)
        return program

    def _region(self, depth: int, *, length: int, loops: int) -> list[Item]:
        count = self._random.randint(1, length)
        region = [self._item(depth, loops=loops) for _ in range(count)]
        for item in region[:-1] if self._is_rich else ():
            self._empty_arms(item)
        return region

    def _empty_arms(self, item: Item) -> None:
        """Empty some arms of a container that something follows: they lead straight to that."""
        if item.kind in ("branch", "parallel") and item.has_then:
            item.regions = [arm if self._random.random() < 0.85 else [] for arm in item.regions]

    def _item(self, depth: int, *, loops: int) -> Item:
        self._count += 1
        id_ = f"n{self._count}"
        if depth and self._random.random() < 0.6:
            kind = self._random.choice(self._containers)
            return self.container(kind, id_, depth=depth, loops=loops)
        if self._random.random() < (0.12 if loops else 0.03):
            at = self._random.choice([0, 1, 1, 5])
            return Item("break", id_, break_at=at, in_loop=loops > 0, names=self._loops[-1])
        if self._random.random() < 0.1:
            return Item("fail", id_)
        if self._is_rich and self._random.random() < 0.25:
            kind = self._random.choice(WAITING)
            return Item(kind, id_ if kind == "sleep" else f"w{self._count}")
        own = self._random.sample(HIDING, 2) if self._random.random() < 0.2 else ()
        scope = tuple(dict.fromkeys(self._scope)) if self._is_rich else ()
        return Item("step", id_, in_loop=loops > 0, own=tuple(own), scope=scope)

    def container(self, kind: Kind, id_: str, *, depth: int, loops: int = 0) -> Item:
        random = self._random
        item = Item(kind, id_, has_then=kind == "loop" or random.random() < 0.5)
        item.times, item.form = random.randint(0, 3), random.choice(["forEach", "while", "times"])
        count = {"loop": 1, "try_catch": random.choice([2, 3])}.get(kind, random.randint(2, 3))
        loops += kind == "loop"
        if self._is_rich:
            index, element = random.sample(LOOP_NAMES, 2)
            item.names = (index, element)
            item.retries, item.collects = random.choice([0, 0, 1]), random.random() < 0.3
        self._loops += [item.names] if kind == "loop" else []
        for number in range(count):
            inner = len(self._scope)
            self._scope += _inner_names(item, number)
            item.regions.append(self._region(depth - 1, length=2, loops=loops))
            del self._scope[inner:]
        del self._loops[len(self._loops) - (kind == "loop") :]
        item.chosen = random.randrange(count + 1)  # one more than arms: no condition is true
        return item


def _inner_names(item: Item, region: int) -> tuple[str, ...]:
    """Return the names that a region of a container gets."""
    if item.kind == "loop":
        return item.names if item.form == "forEach" else item.names[:1]
    return ("err",) if item.kind == "try_catch" and region == 1 else ()


def _choose_reads(region: list[Item], before: list[str], random: Random) -> None:
    """Choose what each step reads: any of the nodes that may have run before it."""
    for item in region:
        if item.kind == "step":
            ids = [id_ for id_ in before if id_ not in item.scope]
            item.reads = random.sample(ids, min(len(ids), 3))
        seen = list(before)
        for inner in item.regions:
            _choose_reads(inner, list(seen if item.kind == "try_catch" else before), random)
            seen += [step.id for step in walk(inner) if step.kind in ("step", "wait")]
        before += [step.id for step in walk([item]) if step.kind in ("step", "wait")]


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
    followers = [*(next_.id for next_ in region[1:]), after]
    for item, following in zip(region, followers if region else [], strict=True):
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
            if is_race and number:  # so that the first arm wins
                pause = node(f"{item.id}_{number}", "sleep", duration=_pause(item))
                nodes.append(pause)
                edges += [
                    f"{item.id} {pause['id']} {_label(item, number)}",
                    f"{pause['id']} {inner[0].id}",
                ]
            elif inner:
                edges.append(f"{item.id} {inner[0].id} {_label(item, number)}")
            elif then:
                edges.append(f"{item.id} {then} {_label(item, number)}")
            _connect(
                inner,
                nodes,
                edges,
                after="" if then else following,
                undo="" if is_race else undo,
            )


def _pause(race: Item) -> int | str:
    """Return how long the arms that lose wait before they run, if they run at all."""
    return "12 hours" if _has_waits(race) else 400


def _has_waits(race: Item) -> bool:
    return any(item.kind in WAITING or item.retries for item in walk([race]))


def _read(id_: str) -> str:
    return f"{id_}?.payload?.at" if id_.startswith("w") else f"{id_}?.at"


def _label(item: Item, number: int) -> str:
    if item.kind == "try_catch":
        return ("try", "catch", "finally")[number]
    return "body" if item.kind == "loop" else f"arm{number}"


def _node(item: Item) -> dict[str, Any]:
    if item.kind == "branch":
        chosen = {f"arm{at}": str(at == item.chosen).lower() for at in range(len(item.regions))}
        return branch(item.id, **chosen)
    type_, settings = _SETTINGS.get(item.kind, (item.kind, lambda _: {}))
    return node(item.id, type_, **settings(item))


def _step(item: Item) -> dict[str, Any]:
    seen = "".join(f", {_read(id_)}" for id_ in item.reads)
    index = "i" if item.in_loop and not item.scope else "-1"
    own = "".join(f"const {name} = 'own'; " for name in item.own)
    output = f"{{ at: '{item.id}', i: {index}, saw: [''{seen}]{_scope(item)} }}"
    return {"code": f"{own}return {output};"}


def _fail(item: Item) -> dict[str, Any]:
    return {"code": f"throw new Error('{item.id}');", "retryLimit": 0}


def _loop(item: Item) -> dict[str, Any]:
    index, element = item.names
    names = {"itemVar": element} if item.form == "forEach" else {}
    return {"loopType": item.form, "indexVar": index, **names, **_repeats(item)}


def _break(item: Item) -> dict[str, Any]:
    at, index = item.break_at, item.names[0]
    return {"condition": f"{index} === {at}" if item.in_loop else f"event && {at} < 5"}


def _race(item: Item) -> dict[str, Any]:
    retries = {"retryLimit": item.retries, "retryDelay": 5} if item.retries else {}
    return retries | ({"timeout": "1 day"} if _has_waits(item) else {})


def _parallel(item: Item) -> dict[str, Any]:
    return {"onError": "collect"} if item.collects else {}


_SETTINGS: dict[Kind, tuple[str, Callable[[Item], dict[str, Any]]]] = {
    "step": ("step", _step),
    "fail": ("step", _fail),
    "loop": ("loop", _loop),
    "break": ("break", _break),
    "race": ("race", _race),
    "parallel": ("parallel", _parallel),
    "wait": ("wait_for_event", lambda _: {"eventType": "call", "timeout": "6 hours"}),
    "late": ("wait_for_event", lambda _: {"eventType": "never", "timeout": 30}),
    "sleep": ("sleep", lambda _: {"duration": 20}),
}
"""The type of the node of an item, and its settings; others have the type of their kind, and none."""


def _scope(item: Item) -> str:
    """Return members with the values of the names in scope; of an error, its message."""
    values = {
        name: "(err as any)?.message ?? err" if name == "err" else name for name in item.scope
    }
    return f", scope: {{ {', '.join(f'{key}: {code}' for key, code in values.items())} }}" * bool(
        values
    )


def _rollback(item: Item, address: str) -> str:
    """Return code that reports what it sees: its own iteration, even after the loop has ended."""
    seen = "".join(f", {_read(id_)}" for id_ in item.reads)
    index = "i" if item.in_loop and not item.scope else "-1"
    report = f"{{ at: '{item.id}', i: {index}, saw: [''{seen}], got: output?.at }}"
    return f"await fetch('{address}', {{ method: 'POST', body: JSON.stringify({report}) }});"


def _repeats(item: Item) -> dict[str, Any]:
    match item.form:
        case "forEach":
            return {"collection": str(list(range(item.times)))}
        case "while":
            return {"condition": f"{item.names[0]} < {item.times}"}
    return {"count": item.times}
