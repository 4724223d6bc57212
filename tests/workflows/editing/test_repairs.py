"""Which connections are repaired, and that everything else stays as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.editing.editing import outline
from tests.workflows.ir.documents import Document, branch, chain, document, node
from workflows.editing.repairs import repair
from workflows.nodes.built_in import NODE_TYPES

A, B, C = node("a"), node("b"), node("c")


def loop(id_: str) -> dict[str, Any]:
    return node(id_, "loop", loopType="times", count=2)


@pytest.mark.parametrize(
    ("broken", "repaired", "steps"),
    [
        (document([A, loop("l")], "a l"), "a l(body: emptyStep1)",
         ["Add the missing arm \u201cbody\u201d to \u201cl\u201d"]),
        (document([A, loop("l"), B], "a l", "l b Body"), "a l(body: b)",
         ["Label the edge from \u201cl\u201d to \u201cb\u201d \u201cbody\u201d"]),
        (document([node("r", "race", timeout="1 minute")]), "r(: emptyStep1)",
         ["Add the missing arm to \u201cr\u201d"]),
        (document([branch("c", yes="true", no=""), A, B], "c a yes", "c b maybe"),
         "c(yes: a | maybe: b | no:)", ["Add the missing arm to \u201cc\u201d"]),
        (document([branch("c"), A], "c a yes"), "c(yes: a)", ["Add the missing arm to \u201cc\u201d"]),
        (document([A, B], "a b", "a gone"), "a b",
         ["Remove the edge between \u201ca\u201d and \u201cgone\u201d, which does not exist"]),
        (document([A, B], "a b yes"), "a b",
         ["Remove the label of the edge from \u201ca\u201d to \u201cb\u201d"]),
        (document([A, B], "a b", "b a"), "a b",
         ["Remove the edge from \u201cb\u201d to \u201ca\u201d"]),
        (document([A, B], "a b", entry="gone"), "a b", ["Start at \u201ca\u201d"]),
        (document([A, loop("l"), B, C], "a l", "l b body"), "a l(body: b) c",
         ["Connect \u201cc\u201d at the end, after \u201cl\u201d"]),
        (document([A, B, C], "a b", "a b"), "a b c",
         ["Remove the second edge from \u201ca\u201d to \u201cb\u201d",
          "Connect \u201cc\u201d at the end, after \u201cb\u201d"]),
    ],
)  # fmt: skip
def test_connections_are_repaired(broken: Document, repaired: str, steps: list[str]) -> None:
    made = repair(broken, NODE_TYPES)

    assert made
    assert outline(made.opened.document) == repaired
    assert list(made.steps) == steps
    assert {item["id"] for item in broken["nodes"]} <= set(made.opened.draft.nodes)


def test_correct_connections_are_not_touched() -> None:
    whole = chain(A, B)
    made = repair(whole, NODE_TYPES)

    assert made
    assert made.opened.document is whole
    assert made.steps == ()


@pytest.mark.parametrize(
    "broken",
    [
        document([A, B, C], "a b", "b c", "c b"),
        document([A, node("x", "no such type")], "a x"),
        {**chain(A), "edges": [{"id": "e"}]},
        {**chain(A), "nodes": [{**A, "data": 5}, B]},
        document([node("c", "branch", branches=[5]), A], "c a yes"),
        {"nodes": []},
        [],
    ],
    ids=["a cycle", "an unknown type", "half an edge", "no data", "odd arms", "nothing", "no object"],
)  # fmt: skip
def test_ambiguous_connections_are_left_to_people(broken: Any) -> None:
    assert repair(broken, NODE_TYPES) is None
