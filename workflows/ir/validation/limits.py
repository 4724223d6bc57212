"""Warnings about Cloudflare's limits that runs of a valid document may reach.

Source: developers.cloudflare.com/workflows/reference/limits and /workers/platform/limits. Limits
that would always be exceeded are errors of other checks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from workflows.ir.document.kinds import SCRIPT
from workflows.ir.document.model import Node, WorkflowIR
from workflows.ir.reading.names import NAME_LENGTH
from workflows.ir.reading.problems import Problem, Severity, listed, quoted
from workflows.ir.tree.totals import MAX_TOTAL, Totals

SUFFIX_LENGTH: Final = 16  # distinguishes the steps of one node
MAX_PARTS: Final = 2  # a name has room for this many suffixes
INDEX_LENGTH: Final = 13  # " [", the digits and "]" of a loop index
MAX_NAME_INDICES: Final = 9  # a name has room for this many indices; more are cut at run time
CONNECTIONS: Final = 6


@dataclass(frozen=True, slots=True)
class _Limit:
    """The maximum of something in one run, and whose limit it is."""

    maximum: int
    source: str


_STEPS: Final = (
    _Limit(25_000, "Cloudflare allows at most 25,000 on any plan"),
    _Limit(10_000, "Cloudflare allows 10,000 (1,024 on the free plan)"),
    _Limit(1_024, "Cloudflare's free plan allows 1,024"),
)
_REQUESTS: Final = (
    _Limit(10_000, "Cloudflare allows 10,000 (50 on the free plan)"),
    _Limit(50, "Cloudflare's free plan allows 50"),
)


def check_limits(ir: WorkflowIR) -> Iterator[Problem]:
    """Yield a warning for each limit that a run may exceed, as far as that can be predicted."""
    for check in CHECKS:
        yield from check(ir)


def check_steps(ir: WorkflowIR) -> Iterator[Problem]:
    """Warn about the number of steps, which Cloudflare counts without sleeps. A script has none."""
    if ir.kind != SCRIPT and _may_exceed(_STEPS, map(steps_of, ir.nodes.values()), ir):
        totals = Totals(ir.nodes, ir.structure, steps_of)
        advice = "move parts of it to other workflows (sub_workflow)"
        yield from _excess(ir, totals, _STEPS, words=("take", "steps", advice))


def check_requests(ir: WorkflowIR) -> Iterator[Problem]:
    """Warn about the number of requests, each of which is a subrequest of the Worker."""
    if _may_exceed(_REQUESTS, map(_requests_of, ir.nodes.values()), ir):
        totals = Totals(ir.nodes, ir.structure, _requests_of)
        advice = "send fewer, or move some of them to other Workers"
        yield from _excess(ir, totals, _REQUESTS, words=("send", "requests", advice))


def _may_exceed(limits: tuple[_Limit, ...], weights: Iterable[int], ir: WorkflowIR) -> bool:
    """Whether the tree must be summed up: the plain sum is too large, or something repeats."""
    once = sum(weights)
    return once > limits[-1].maximum or (once > 0 and any(map(_multiplies, ir.nodes.values())))


def _requests_of(node: Node) -> int:
    return node.type.request_count(node.settings) if node.type.request_count else 0


def _excess(
    ir: WorkflowIR, totals: Totals, limits: tuple[_Limit, ...], *, words: tuple[str, str, str]
) -> Iterator[Problem]:
    """Yield a warning for the largest limit that is exceeded, at the loop that contributes most."""
    verb, noun, advice = words
    exceeded = next((limit for limit in limits if totals.run > limit.maximum), None)
    if exceeded is None:
        return
    loops = [node for node in ir.nodes.values() if _multiplies(node)]
    largest = max(loops, key=lambda node: totals.by_container[node.id], default=None)
    where = _where(largest, totals) if largest else ""
    message = f"a run can {verb} {_number(totals.run)} {noun}{where}, but {exceeded.source}"
    yield _warning(largest, "nodes", f"{message}: {advice}{_uncounted(loops)}")


def _where(loop: Node, totals: Totals) -> str:
    inside = totals.by_container[loop.id]
    share = "all" if inside == totals.run else _number(inside)
    return f", {share} of them in {quoted(loop.id)}"


def _uncounted(loops: list[Node]) -> str:
    unknown = [node.id for node in loops if _max_iterations(node) is None]
    return (
        f" (this counts one iteration of {listed(unknown)}, which may have more)" if unknown else ""
    )


def _number(count: int) -> str:
    return f"{count:,}" if count < MAX_TOTAL else f"more than {MAX_TOTAL:,}"


def _repeats(node: Node) -> bool:
    return node.type.container is not None and node.type.container.repeats


def _multiplies(node: Node) -> bool:
    """Whether the regions of a container may run more than once."""
    is_counted = node.type.container is not None and node.type.container.max_iterations is not None
    return is_counted and _max_iterations(node) != 1


def _max_iterations(node: Node) -> int | None:
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
    """Warn about more concurrent requests than connections; they wait for each other."""
    if sum(map(_requests_of, ir.nodes.values())) <= CONNECTIONS:
        return
    requests = Totals(ir.nodes, ir.structure, _requests_of)
    arms: dict[str, int] = {}
    for region_id, region in enumerate(ir.structure.regions):
        if region.owner and requests.by_region[region_id]:
            arms[region.owner] = arms.get(region.owner, 0) + 1
    for id_, count in arms.items():
        container = ir.nodes[id_].type.container
        if container and container.concurrent and count > CONNECTIONS:
            message = (
                f"{count} arms send requests at the same time, but a Worker has only {CONNECTIONS} "
                "connections: the others wait, so allow time for that or use fewer arms"
            )
            yield _warning(ir.nodes[id_], "", message)


def check_step_names(ir: WorkflowIR) -> Iterator[Problem]:
    """Warn about step names that are cut; names that differ only at the end become the same."""
    depths = _loop_depths(ir)
    for node in ir.nodes.values() if ir.kind != SCRIPT else ():
        loops = depths[ir.structure.locations[node.id][0]]
        room = NAME_LENGTH - INDEX_LENGTH * min(loops, MAX_NAME_INDICES)
        if 2 * len(node.name) + SUFFIX_LENGTH <= room:
            continue
        steps = steps_of(node)
        room -= SUFFIX_LENGTH if steps > 1 else 0
        if steps and len(node.name.encode("utf-16-le")) > 2 * room:
            message = (
                f"is cut to {room} UTF-16 units in the names of its steps, which have at most "
                f"{NAME_LENGTH} including loop indices: choose a shorter name"
            )
            yield _warning(node, "", message, field=".name")


def _loop_depths(ir: WorkflowIR) -> list[int]:
    """Return how many loops are around each region; outer regions come before inner ones."""
    depths: list[int] = []
    for region in ir.structure.regions:
        outer = depths[region.parent] if region.owner else 0
        depths.append(outer + (bool(region.owner) and _repeats(ir.nodes[region.owner])))
    return depths


def _warning(node: Node | None, path: str, message: str, *, field: str = "") -> Problem:
    return Problem(
        path=f"{node.path}{field}" if node else path,
        message=message,
        node_id=node.id if node else "",
        severity=Severity.WARNING,
    )


CHECKS: Final = (check_steps, check_requests, check_connections, check_step_names)
