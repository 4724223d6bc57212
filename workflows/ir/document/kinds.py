"""The kinds of workflows, and the rules for scripts and their exports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Final

from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category
from workflows.ir.document.step_policy import ROLLBACK_PATH, rollback_of
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.problems import Problem, Severity, listed, quoted

WORKFLOW: Final = "workflow"
SCRIPT: Final = "script"
PROJECT: Final = "project"
"""A workflow with files instead of a document."""

_EXPORT_PREFIX: Final = "EXPORT_"


def kind_of(document: object) -> str:
    """Return the kind of a saved document, valid or not; a workflow by default."""
    kind = document.get("kind") if isinstance(document, dict) else None
    return kind if kind in (SCRIPT, PROJECT) else WORKFLOW


def project_document(name: str) -> dict[str, object]:
    """Return what a project has in place of a document: its kind and its name."""
    return {"kind": PROJECT, "metadata": {"name": name}}


def check_kind(kind: str, *, trigger: Trigger, nodes: Collection[Node]) -> Iterator[Problem]:
    """Yield what a script cannot contain."""
    if kind != SCRIPT:
        return
    if trigger.kind != "http":
        yield Problem(
            path="trigger", message="a script is started by HTTP requests: use an http trigger"
        )
    for node in nodes:
        if node.type.category is Category.WAIT:
            message = (
                f"a script cannot wait: remove {quoted(node.id)}, or make the script a workflow"
            )
            yield Problem(path=node.path, message=message, node_id=node.id)
        if rollback_of(node.settings):
            message = "never runs in a script: catch the error with try_catch, or make the script a workflow"
            yield Problem(path=f"{node.path}.{ROLLBACK_PATH}", message=message, node_id=node.id)
    yield from _check_exports(nodes)


def exports(nodes: Iterable[Node]) -> Mapping[str, str]:
    """Return the names of a script's response values, by the id of the node whose output they are."""
    return {
        node.id: node.name.removeprefix(_EXPORT_PREFIX)
        for node in nodes
        if node.name.startswith(_EXPORT_PREFIX) and node.type.output is not None
    }


def _check_exports(nodes: Collection[Node]) -> Iterator[Problem]:
    """Yield exports without a name or output, and names that several nodes export."""
    users: dict[str, list[str]] = {}
    for id_, name in exports(nodes).items():
        users.setdefault(name, []).append(id_)
    for node in nodes:
        if node.name == _EXPORT_PREFIX:
            message = f"needs a name after {_EXPORT_PREFIX}: it becomes the key of the output in the response"
            yield Problem(path=f"{node.path}.name", message=message, node_id=node.id)
        elif node.name.startswith(_EXPORT_PREFIX) and node.type.output is None:
            message = f"a {node.type.name} has no output, so nothing is exported: rename the node"
            yield Problem(
                path=f"{node.path}.name",
                message=message,
                node_id=node.id,
                severity=Severity.WARNING,
            )
    for name, ids in users.items():
        if name and len(ids) > 1:
            message = f"{listed(ids)} all export {quoted(name)}: give each a different name"
            yield Problem(path=f"nodes.{ids[1]}.name", message=message, node_id=ids[1])
