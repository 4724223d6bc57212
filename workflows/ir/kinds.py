"""The two kinds of documents, and what a script may not hold: it answers one request and cannot wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from workflows.ir.document import Node, Trigger
from workflows.ir.problems import Problem, quoted

WORKFLOW: Final = "workflow"
SCRIPT: Final = "script"

_WAITING: Final = frozenset({"sleep", "sleep_until", "wait_for_event"})


def kind_of(document: object) -> str:
    """Return the kind of any document that was ever saved: a workflow, unless it says otherwise."""
    is_script = isinstance(document, dict) and document.get("kind") == SCRIPT
    return SCRIPT if is_script else WORKFLOW


def check_kind(kind: str, *, trigger: Trigger, nodes: Iterable[Node]) -> Iterator[Problem]:
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
