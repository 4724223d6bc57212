"""The two kinds of documents; what a script may not hold, and under which names it answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import Problem, Severity, listed, quoted

WORKFLOW: Final = "workflow"
SCRIPT: Final = "script"

_EXPORT: Final = "EXPORT_"
_WAITING: Final = frozenset({"sleep", "sleep_until", "wait_for_event"})


def kind_of(document: object) -> str:
    """Return the kind of any document that was ever saved: a workflow, unless it says otherwise."""
    is_script = isinstance(document, dict) and document.get("kind") == SCRIPT
    return SCRIPT if is_script else WORKFLOW


def check_kind(kind: str, *, trigger: Trigger, nodes: Collection[Node]) -> Iterator[Problem]:
    if kind != SCRIPT:
        return
    if trigger.kind != "http":
        yield Problem(
            path="trigger", message="a script is started by a request: use an http trigger"
        )
    for node in nodes:
        if node.type.name in _WAITING:
            message = f"a script cannot wait: remove {quoted(node.id)} or make it a workflow"
            yield Problem(path=node.path, message=message, node_id=node.id)
    yield from _check_exports(nodes)


def exports(nodes: Iterable[Node]) -> Mapping[str, str]:
    """Return the names under which a script answers, by the id of the node whose output it is."""
    return {
        node.id: node.name.removeprefix(_EXPORT)
        for node in nodes
        if node.name.startswith(_EXPORT) and node.type.output is not None
    }


def _check_exports(nodes: Collection[Node]) -> Iterator[Problem]:
    """A name that two nodes answer under has two meanings, and no name has none."""
    users: dict[str, list[str]] = {}
    for id_, name in exports(nodes).items():
        users.setdefault(name, []).append(id_)
    for node in nodes:
        if node.name == _EXPORT:
            message = f"needs a name after {_EXPORT}: the response holds its output under it"
            yield Problem(path=f"{node.path}.name", message=message, node_id=node.id)
        elif node.name.startswith(_EXPORT) and node.type.output is None:
            message = f"a {node.type.name} has no output: the response will not hold this name"
            yield Problem(
                path=f"{node.path}.name",
                message=message,
                node_id=node.id,
                severity=Severity.WARNING,
            )
    for name, ids in users.items():
        if name and len(ids) > 1:
            message = f"{listed(ids)} all answer as {quoted(name)}: give each another name"
            yield Problem(path=f"nodes.{ids[1]}.name", message=message, node_id=ids[1])
