"""What a script may not hold: it answers one request and cannot wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from workflows.ir.document import Node, Trigger
from workflows.ir.problems import Problem, quoted

_WAITING: Final = frozenset({"sleep", "sleep_until", "wait_for_event"})


def check_kind(kind: str, *, trigger: Trigger, nodes: Iterable[Node]) -> Iterator[Problem]:
    if kind != "script":
        return
    if trigger.kind != "http":
        yield Problem(
            path="trigger", message="a script is started by a request: use an http trigger"
        )
    for node in nodes:
        if node.type.name in _WAITING:
            message = f"a script cannot wait: remove {quoted(node.id)} or make it a workflow"
            yield Problem(path=node.path, message=message, node_id=node.id)
