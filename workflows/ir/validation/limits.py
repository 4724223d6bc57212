"""Cloudflare's limits that a valid document may still run into: warnings, each with what to do.

The figures are those of developers.cloudflare.com/workflows/reference/limits and
/workers/platform/limits. What is refused in any case is an error elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import NAME_LENGTH, Node, WorkflowIR
from workflows.ir.reading.problems import Problem, Severity, listed, quoted
from workflows.ir.tree.totals import MAX_TOTAL, Totals

SUFFIX_LENGTH: Final = 10  # what tells the steps of one node apart
INDEX_LENGTH: Final = 13  # " [" of the first, digits and "]" of an index
MAX_NAME_INDICES: Final = 9  # indices that a name has room for; more of them are cut when it runs
CONNECTIONS: Final = 6


@dataclass(frozen=True, slots=True)
class _Limit:
    """A number that a run may reach, and whose limit it is."""

    most: int
    whose: str


_STEPS: Final = (
    _Limit(25_000, "Cloudflare allows 25,000 at most on any plan"),
    _Limit(10_000, "Cloudflare allows 10,000 (1,024 on the free plan)"),
    _Limit(1_024, "Cloudflare's free plan allows 1,024"),
)
_REQUESTS: Final = (
    _Limit(10_000, "Cloudflare allows 10,000 (50 on the free plan)"),
    _Limit(50, "Cloudflare's free plan allows 50"),
)


def check_limits(ir: WorkflowIR) -> Iterator[Problem]:
    """Yield a warning for each limit that a run may reach, as far as that is known before it."""
    for check in CHECKS:
        yield from check(ir)


def check_steps(ir: WorkflowIR) -> Iterator[Problem]:
    """Steps are counted without sleeps, as Cloudflare counts them. A script has none."""
    if ir.kind != SCRIPT and _may_pass(_STEPS, map(steps_of, ir.nodes.values()), ir):
        totals = Totals(ir.nodes, ir.structure, steps_of)
        what_to_do = "let workflows of their own (sub_workflow) do parts of it"
        yield from _over(ir, totals, _STEPS, words=("take", "steps", what_to_do))


def check_requests(ir: WorkflowIR) -> Iterator[Problem]:
    if _may_pass(_REQUESTS, map(_requests_of, ir.nodes.values()), ir):
        totals = Totals(ir.nodes, ir.structure, _requests_of)
        what_to_do = "send fewer, or let other Workers send parts of them"
        yield from _over(ir, totals, _REQUESTS, words=("send", "requests", what_to_do))


def _may_pass(limits: tuple[_Limit, ...], weights: Iterable[int], ir: WorkflowIR) -> bool:
    """Whether it is worth it to add up the tree: something is there, and it repeats or is much."""
    once = sum(weights)
    return once > limits[-1].most or (once > 0 and any(map(_repeats, ir.nodes.values())))


def _requests_of(node: Node) -> int:
    return 1 if node.type.sends_requests else 0


def _over(
    ir: WorkflowIR, totals: Totals, limits: tuple[_Limit, ...], *, words: tuple[str, str, str]
) -> Iterator[Problem]:
    """Yield the largest limit that the total is over; it stands at the loop that has most of it."""
    does, things, what_to_do = words
    passed = next((limit for limit in limits if totals.run > limit.most), None)
    if passed is None:
        return
    loops = [node for node in ir.nodes.values() if _repeats(node)]
    largest = max(loops, key=lambda node: totals.by_container[node.id], default=None)
    where = _where(largest, totals) if largest else ""
    message = f"a run can {does} {_number(totals.run)} {things}{where}, and {passed.whose}"
    yield _warning(largest, "nodes", f"{message}: {what_to_do}{_not_counted(ir, loops)}")


def _where(loop: Node, totals: Totals) -> str:
    inside = totals.by_container[loop.id]
    share = "all" if inside == totals.run else _number(inside)
    return f", {share} of them in {quoted(loop.id)}"


def _not_counted(ir: WorkflowIR, loops: list[Node]) -> str:
    unknown = [node.id for node in loops if _times(node) is None]
    return f" (once through {listed(unknown)}, which may run more often)" if unknown else ""


def _number(count: int) -> str:
    return f"{count:,}" if count < MAX_TOTAL else f"more than {MAX_TOTAL:,}"


def _repeats(node: Node) -> bool:
    return node.type.container is not None and node.type.container.repeats


def _times(node: Node) -> int | None:
    container = node.type.container
    return (
        container.max_iterations(node.settings) if container and container.max_iterations else None
    )


def steps_of(node: Node) -> int:
    """Return how many durable steps the node itself takes at most."""
    if node.type.step_count:
        return node.type.step_count(node.settings)
    return 1 if node.type.callback else 0


def check_connections(ir: WorkflowIR) -> Iterator[Problem]:
    """Arms that send requests at once wait for each other; nothing fails."""
    if sum(map(_requests_of, ir.nodes.values())) <= CONNECTIONS:
        return
    sends = Totals(ir.nodes, ir.structure, _requests_of)
    arms: dict[str, int] = {}
    for number, place in enumerate(ir.structure.regions):
        if place.owner and sends.by_region[number]:
            arms[place.owner] = arms.get(place.owner, 0) + 1
    for id_, count in arms.items():
        container = ir.nodes[id_].type.container
        if container and container.concurrent and count > CONNECTIONS:
            message = (
                f"{count} arms send requests at once, and a Worker has {CONNECTIONS} connections "
                f"open at a time: the others wait, so leave time for that or use fewer arms"
            )
            yield _warning(ir.nodes[id_], "", message)


def check_step_names(ir: WorkflowIR) -> Iterator[Problem]:
    """Names are cut where they would not fit; two that differ in their ends are then the same."""
    around = _loops_around(ir)
    for node in ir.nodes.values() if ir.kind != SCRIPT else ():
        loops = around[ir.structure.locations[node.id][0]]
        room = NAME_LENGTH - INDEX_LENGTH * min(loops, MAX_NAME_INDICES)
        if 2 * len(node.name) + SUFFIX_LENGTH <= room:
            continue
        steps = steps_of(node)
        room -= SUFFIX_LENGTH if steps > 1 else 0
        if steps and len(node.name.encode("utf-16-le")) > 2 * room:
            message = (
                f"is cut to {room} UTF-16 units in the names of its steps, which have "
                f"{NAME_LENGTH} at most with the numbers of the loops around: choose a shorter name"
            )
            yield _warning(node, "", message, field=".name")


def _loops_around(ir: WorkflowIR) -> list[int]:
    """Return how many loops are around each place; outer places come before inner ones."""
    around: list[int] = []
    for place in ir.structure.regions:
        outer = around[place.parent] if place.owner else 0
        around.append(outer + (bool(place.owner) and _repeats(ir.nodes[place.owner])))
    return around


def _warning(node: Node | None, path: str, message: str, *, field: str = "") -> Problem:
    return Problem(
        path=f"{node.path}{field}" if node else path,
        message=message,
        node_id=node.id if node else "",
        severity=Severity.WARNING,
    )


CHECKS: Final = (check_steps, check_requests, check_connections, check_step_names)
