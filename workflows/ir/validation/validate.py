"""From any JSON value to a valid document, or to a list of all its problems."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from workflows.ir.document.kinds import SCRIPT, WORKFLOW, check_kind
from workflows.ir.document.model import (
    MAX_EDGES,
    MAX_NODES,
    Edge,
    KnownNodes,
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
from workflows.ir.reading import json_reader
from workflows.ir.reading.problems import InvalidIR, Problem, quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values
from workflows.ir.reading.reader import Reader
from workflows.ir.tree.flow import flows
from workflows.ir.tree.graph import topological_order
from workflows.ir.tree.scope import Scopes, check_known
from workflows.ir.tree.tree_builder import Builder, TooDeep
from workflows.ir.validation.edge_checks import CHECKS, Graph
from workflows.ir.validation.tree_checks import (
    check_race_rollbacks,
    check_race_waits,
    check_unreachable,
)

MAX_BYTES: Final = 4 * 1024 * 1024
"""The maximum size of a document, without the whitespace that makes it readable."""

MAX_TEXT: Final = 3 * MAX_BYTES
"""The maximum size of its text: indented, a document takes up to three times as much."""


MAX_REFERENCES: Final = 10_000
"""The maximum number of `{{` in a document: each is read several times, and may be a problem."""

_TOO_LARGE: Final = f"is larger than {MAX_BYTES // 1024 // 1024} MB: split the workflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """The result of reading a document: `ir` is None if there are errors.

    `nodes` are all nodes that could be read, whether or not there are errors elsewhere. `draft` is
    the document even if its settings have errors; None if its graph has any. With `known`, an edited
    copy of the document is read in less time.
    """

    ir: WorkflowIR | None
    problems: tuple[Problem, ...]
    nodes: tuple[Node, ...] = ()
    draft: WorkflowIR | None = None
    known: KnownNodes = field(default_factory=KnownNodes, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """The parts of a document, each read separately."""

    kind: str
    metadata: Metadata
    trigger: Trigger
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    entry: str


@without_garbage_collection
def read_document(document: object, types: Registry, known: KnownNodes | None = None) -> Parsed:
    """Read and check a document; never raises for any JSON value.

    `known` are nodes of an earlier document that may occur again; they were read with the same types.
    """
    if not isinstance(document, dict):
        message = f"must be an object, not {quoted(document)}"
        return Parsed(ir=None, problems=(Problem(path="", message=message),))
    ids = _node_ids(document)
    log = check_values(document, max_depth=MAX_DEPTH) or _check_size(document)
    if log:
        return Parsed(ir=None, problems=tuple(log))
    now_known = KnownNodes()
    reader = Reader(document, path="", log=log)
    parts = _read(reader, types, known=known or KnownNodes(), now_known=now_known)
    nodes = document.get("nodes")
    count = len(nodes) if isinstance(nodes, list) else 0
    parsed = _check(parts, ids=ids, node_count=count, log=log)
    return replace(parsed, known=now_known)


def read_json(text: str | bytes) -> object:
    """Parse JSON strictly; raises InvalidIR if it is invalid."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(data) > MAX_TEXT:
        raise _invalid(_TOO_LARGE)
    try:
        value = json_reader.loads(data)
        if len(data) > MAX_BYTES and len(compact(value).encode("utf-8", "replace")) > MAX_BYTES:
            raise _invalid(_TOO_LARGE)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"is not valid JSON: {where}: {error.msg.lower()}") from None
    except UnicodeDecodeError as error:
        raise _invalid(
            f"is not valid UTF-8 at byte {error.start}: save the file as UTF-8"
        ) from None
    except RecursionError:
        raise _invalid(f"must not nest values more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:
        raise _invalid(str(error)) from None
    return value


def compact(value: object) -> str:
    """Return JSON without whitespace."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _invalid(message: str) -> InvalidIR:
    return InvalidIR([Problem(path="", message=message)])


def _check_size(document: dict[str, Any]) -> list[Problem]:
    nodes = document.get("nodes")
    if isinstance(nodes, list) and len(nodes) > MAX_NODES:
        message = f"must have at most {MAX_NODES} nodes, not {len(nodes)}: split the workflow"
        return [Problem(path="nodes", message=message)]
    edges = document.get("edges")
    if isinstance(edges, list) and len(edges) > MAX_EDGES:
        message = f"must have at most {MAX_EDGES} edges, not {len(edges)}: split the workflow"
        return [Problem(path="edges", message=message)]
    references = compact(document).count("{{")
    if references > MAX_REFERENCES:
        message = f"must have at most {MAX_REFERENCES} references ({{{{ ... }}}}), not {references}"
        return [Problem(path="", message=f"{message}: split the workflow")]
    return []


def _read(document: Reader, types: Registry, *, known: KnownNodes, now_known: KnownNodes) -> _Parts:
    return _Parts(
        kind=document.choice("kind", WORKFLOW, (WORKFLOW, SCRIPT)),
        metadata=read_metadata(document),
        trigger=read_trigger(document),
        nodes=read_nodes(document, types, known=known, now_known=now_known),
        edges=read_edges(document),
        entry=document.string("entryNodeId"),
    )


def _node_ids(document: dict[str, Any]) -> list[str]:
    """Return the ids of all nodes, including those that cannot be read."""
    nodes = document.get("nodes")
    items = nodes if isinstance(nodes, list) else []
    ids = [item.get("id") for item in items if isinstance(item, dict)]
    return [id_ for id_ in ids if isinstance(id_, str)]


def _check(parts: _Parts, *, ids: list[str], node_count: int, log: list[Problem]) -> Parsed:
    nodes = {node.id: node for node in parts.nodes}
    graph = Graph(
        nodes=nodes,
        ids=ids,
        edges=parts.edges,
        entry=parts.entry,
        flows=flows(nodes, parts.edges),
        unread_labels=frozenset(_unread_labels(nodes, log)),
        has_unread_ids=len(ids) < node_count,
        has_unread_edges=any(problem.path.startswith("edges") for problem in log),
    )
    graph_problems = [problem for check in CHECKS for problem in check(graph)]
    has_tree = not graph_problems and _is_complete(graph)
    log += graph_problems
    log += check_kind(parts.kind, trigger=parts.trigger, nodes=parts.nodes)
    structure = _structure(graph, log) if has_tree else None
    if structure is None:
        log += check_known(nodes, ids, graph.flows)
    problems = tuple(dict.fromkeys(log))  # a field may have the same unknown reference many times
    if structure is None:
        return Parsed(ir=None, problems=problems, nodes=tuple(nodes.values()))
    draft = WorkflowIR(
        kind=parts.kind,
        metadata=parts.metadata,
        trigger=parts.trigger,
        nodes=nodes,
        edges=parts.edges,
        entry=parts.entry,
        structure=structure,
    )
    ir = None if any(problem.is_error for problem in log) else draft
    return Parsed(ir=ir, problems=problems, nodes=tuple(nodes.values()), draft=draft)


def _is_complete(graph: Graph) -> bool:
    """Whether the whole graph could be read; the tree of a part would only repeat its problems."""
    return (
        set(graph.ids) == set(graph.nodes)
        and graph.entry in graph.nodes
        and not (graph.unread_labels or graph.has_unread_ids or graph.has_unread_edges)
    )


def _unread_labels(nodes: Mapping[str, Node], log: list[Problem]) -> Iterator[str]:
    """Yield the containers that name their arms in settings, if these have errors."""
    errors = {
        problem.node_id
        for problem in log
        if problem.is_error and not problem.path.endswith(".condition")
    }
    for id_, node in nodes.items():
        container = node.type.container
        if id_ in errors and container and container.labels and not container.required:
            yield id_


def _structure(graph: Graph, log: list[Problem]) -> Structure | None:
    successors = {id_: flow.targets for id_, flow in graph.flows.items()}
    order = topological_order(graph.nodes, successors)
    builder = Builder(graph.nodes, flows=graph.flows, order=order)
    try:
        structure = builder.build(graph.entry)
    except TooDeep as error:
        message = f"is nested more than {MAX_NESTING} containers deep: split the workflow"
        log.append(Problem(path=f"nodes.{error.node_id}", message=message, node_id=error.node_id))
        return None
    log += builder.problems
    if builder.problems:
        return None
    log += Scopes(graph.nodes, structure).check()
    log += check_race_waits(graph.nodes, structure)
    log += check_race_rollbacks(graph.nodes, structure)
    log += check_unreachable(graph.nodes, structure)
    return structure
