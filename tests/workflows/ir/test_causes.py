"""One mistake causes one error: no check reports its consequences."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.workflows.ir.documents import branch, document, node
from workflows.nodes.documents import parse

BRANCH = document(
    [branch("b", big="event.payload.n > 1", small=""), node("p"), node("q"), node("j")],
    "b p big", "b q small", "p j", "q j",
)  # fmt: skip


def change(where: str, value: Any) -> dict[str, Any]:
    """Return the document with another value at the path; numbers in it are indices."""
    changed: Any = deepcopy(BRANCH)
    *inner, last = (int(part) if part.isdigit() else part for part in where.split("."))
    holder = changed
    for part in inner:
        holder = holder[part]
    holder[last] = value
    return dict(changed)


MISTAKES = [
    ("nodes.0.data", None, "nodes.b.data: is missing"),
    ("nodes.0.data", {}, "nodes.b.data.branches: is missing"),
    ("nodes.0.data.branches", {"big": 1}, "nodes.b.data.branches: must be a list"),
    ("nodes.0.data.branches.0", "big", "nodes.b.data.branches.0: must be an object"),
    ("nodes.0.data.branches.0.label", None, "nodes.b.data.branches.0.label: is missing"),
    ("nodes.0.data.branches.0.label", 5, "nodes.b.data.branches.0.label: must be text"),
    ("nodes.0.data.branches.0.condition", 5, "nodes.b.data.branches.0.condition: must be text"),
    ("nodes.0.type", "brnch", 'nodes.b.type: "brnch" is not a node type'),
    ("nodes.1.id", 5, "nodes.1.id: must be text"),
    ("nodes.1", "p", "nodes.1: must be an object"),
    ("edges.0", "b p", "edges.0: must be an object"),
    ("edges.0.source", 5, "edges.b p big.source: must be text"),
    ("edges.0.target", "ghost", 'edges.b p big.target: no node has the id "ghost"'),
    ("edges.2.source", "ghost", 'edges.p j.source: no node has the id "ghost"'),
    ("edges.0.label", "bigg", 'edges.b p big: "b" (branch) has no region "bigg"'),
    ("edges.3.target", "b", 'edges.q j: leads back to the entry "b"'),
    ("entryNodeId", "ghost", 'entryNodeId: no node has the id "ghost"'),
]


@pytest.mark.parametrize(("where", "value", "message"), MISTAKES)
def test_one_mistake_gives_one_error(where: str, value: Any, message: str) -> None:
    errors = [str(problem) for problem in parse(change(where, value)).problems if problem.is_error]

    assert len(errors) == 1, errors
    assert errors[0].startswith(message)


def test_a_second_mistake_elsewhere_is_reported_too() -> None:
    broken = change("nodes.0.data", {})
    broken["edges"][2]["label"] = "odd"

    errors = [problem.path for problem in parse(broken).problems if problem.is_error]

    assert errors == ["nodes.b.data.branches", "edges.p j"]


def test_a_warning_of_a_setting_without_effect_names_the_setting() -> None:
    odd = change("nodes.1.data", {"code": "return 1;", "color": "red"})

    (warning,) = parse(odd).problems

    assert warning.message.startswith('"color" is not a setting of this node type')
