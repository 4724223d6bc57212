"""From any JSON value to a document that means something, or to every problem it has."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.document.kinds import check_kind
from workflows.ir.document.model import (
    MAX_NODES,
    Edge,
    Metadata,
    Node,
    WorkflowIR,
    read_edges,
    read_metadata,
    read_nodes,
)
from workflows.ir.document.region_tree import MAX_NESTING, Structure
from workflows.ir.document.registry import Registry
from workflows.ir.document.triggers import Trigger, read_trigger
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.ir.reading.problems import InvalidIR, Problem, quoted
from workflows.ir.reading.raw_values import is_sound, unusable_values
from workflows.ir.reading.reader import Reader
from workflows.ir.tree import graph
from workflows.ir.tree.flow import flows
from workflows.ir.tree.scope import Scopes, check_known
from workflows.ir.tree.tree_builder import Builder, TooDeep
from workflows.ir.validation.edge_checks import CHECKS, Drawn
from workflows.ir.validation.tree_checks import check_race_waits, check_unreachable

MAX_BYTES: Final = 4 * 1024 * 1024
MAX_JSON_DEPTH: Final = 100
KINDS: Final = ("workflow", "script")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What came of a document: `ir` is None when a problem is an error.

    `nodes` are those that could be read, whatever is wrong with the rest.
    """

    ir: WorkflowIR | None
    problems: tuple[Problem, ...]
    nodes: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of a document, each read on its own."""

    kind: str
    metadata: Metadata
    trigger: Trigger
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    entry: str


@without_garbage_collection
def read_document(document: object, types: Registry) -> Parsed:
    """Read and check a document; never raises, whatever JSON value it is."""
    sound = is_sound(document, depth=MAX_JSON_DEPTH)
    refusal = _refusal(document, sound=sound)
    if refusal or not isinstance(document, dict):
        return Parsed(ir=None, problems=(Problem(path="", message=refusal),))
    log = [] if sound else list(unusable_values(document))
    if log:
        return Parsed(ir=None, problems=tuple(log))
    parts = _read(Reader(document, path="", log=log), types)
    return _checked(parts, ids=_ids(document), log=log)


def read_json(text: str | bytes) -> object:
    """Return the JSON value that the text is; raises InvalidIR where it is none."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_BYTES:
        raise _refused(f"is larger than {MAX_BYTES // 1024 // 1024} MB: split the workflow")
    try:
        return json.loads(data, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _refused(f"is not JSON: {where}: {error.msg.lower()}") from None
    except UnicodeDecodeError as error:
        raise _refused(f"is not UTF-8: byte {error.start} cannot be read") from None
    except RecursionError:
        raise _refused(f"nests values more than {MAX_JSON_DEPTH} deep") from None
    except ValueError as error:
        raise _refused(str(error)) from None


def _refused(message: str) -> InvalidIR:
    return InvalidIR([Problem(path="", message=message)])


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {quoted(twin)} twice: keep one")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON: write a number or null")


def _refusal(document: object, *, sound: bool) -> str:
    if not isinstance(document, dict):
        return f"must be an object, not {quoted(document)}"
    if not sound and _deeper_than(document, MAX_JSON_DEPTH):
        return f"nests values more than {MAX_JSON_DEPTH} deep"
    nodes = document.get("nodes")
    if isinstance(nodes, list) and len(nodes) > MAX_NODES:
        return f"has {len(nodes)} nodes: {MAX_NODES} are the limit"
    return ""


def _deeper_than(document: object, limit: int) -> bool:
    level = [document]
    for _ in range(limit):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
        if not level:
            return False
    return True


def _read(document: Reader, types: Registry) -> _Parts:
    return _Parts(
        kind=document.choice("kind", "workflow", KINDS),
        metadata=read_metadata(document),
        trigger=read_trigger(document),
        nodes=read_nodes(document, types),
        edges=read_edges(document),
        entry=document.string("entryNodeId"),
    )


def _ids(document: dict[str, Any]) -> list[str]:
    """Return the ids of all nodes, also of those that cannot be read otherwise."""
    nodes = document.get("nodes")
    given = nodes if isinstance(nodes, list) else []
    found = [node.get("id") for node in given if isinstance(node, dict)]
    return [id_ for id_ in found if isinstance(id_, str)]


def _checked(parts: _Parts, *, ids: list[str], log: list[Problem]) -> Parsed:
    nodes = {node.id: node for node in parts.nodes}
    drawn = Drawn(
        nodes=nodes,
        ids=ids,
        edges=parts.edges,
        entry=parts.entry,
        flows=flows(nodes, parts.edges),
    )
    found = [problem for check in CHECKS for problem in check(drawn)]
    is_tree = not found and _is_read(drawn, log)
    log += found
    log += check_kind(parts.kind, trigger=parts.trigger, nodes=parts.nodes)
    structure = _structure(drawn, log) if is_tree else None
    if structure is None:
        log += check_known(nodes, ids, drawn.flows)
    if structure is None or any(problem.is_error for problem in log):
        return Parsed(ir=None, problems=_once(log), nodes=tuple(nodes.values()))
    ir = WorkflowIR(
        kind=parts.kind,
        metadata=parts.metadata,
        trigger=parts.trigger,
        nodes=nodes,
        edges=parts.edges,
        entry=parts.entry,
        structure=structure,
    )
    return Parsed(ir=ir, problems=_once(log), nodes=tuple(nodes.values()))


def _once(log: list[Problem]) -> tuple[Problem, ...]:
    """Return the problems, each once: a field may refer to one unknown node many times."""
    return tuple(dict.fromkeys(log))


def _is_read(drawn: Drawn, log: list[Problem]) -> bool:
    """Whether all of the graph is there, so that a tree of it does not only repeat the problems."""
    return (
        set(drawn.ids) == set(drawn.nodes)
        and drawn.entry in drawn.nodes
        and not any(problem.path.startswith("edges") for problem in log)
    )


def _structure(drawn: Drawn, log: list[Problem]) -> Structure | None:
    order = graph.topological_order(
        drawn.nodes, {id_: flow.targets for id_, flow in drawn.flows.items()}
    )
    builder = Builder(drawn.nodes, flows=drawn.flows, order=order)
    try:
        structure = builder.build(drawn.entry)
    except TooDeep as deep:
        message = f"stands more than {MAX_NESTING} containers deep: split the workflow"
        log.append(Problem(path=f"nodes.{deep.node_id}", message=message, node_id=deep.node_id))
        return None
    log += builder.problems
    if not builder.problems:
        log += Scopes(drawn.nodes, structure).check()
        log += check_race_waits(drawn.nodes, structure)
        log += check_unreachable(drawn.nodes, structure)
    return structure
