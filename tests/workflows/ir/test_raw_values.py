from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.ir.documents import chain, document, node
from workflows.nodes.documents import parse, parse_json

HALF = "\ud800"
ASK: dict[str, Any] = {"url": "http://x", "method": "POST"}

UNUSABLE = {
    "a name": (chain(node("a", name=HALF)), "nodes.a.name: holds half a character"),
    "code": (chain(node("a", code=f"return '{HALF}'")), "nodes.a.data.code: holds half"),
    "an id": (chain(node(HALF)), "nodes.\\ud800.id: holds half a character"),
    "a label": (
        document([node("a"), node("b")], f"a b {HALF}"),
        "edges.a b \\ud800.id: holds half",
    ),
    "a key": (chain(node("a", extra={HALF: 1})), "nodes.a.data.extra.\\ud800: the name holds half"),
    "infinity": (
        chain(node("a", "http_request", **ASK, body={"a": [1, float("inf")]})),
        "nodes.a.data.body.a.1: is a number too large",
    ),
    "400 digits": (chain(node("a", retryLimit=10**400)), "nodes.a.data.retryLimit: is a number"),
    "5000 digits": (chain(node("a", retryLimit=10**5000)), "nodes.a.data.retryLimit: is a number"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_value_that_no_program_can_hold_is_a_problem(name: str) -> None:
    drawn, said = UNUSABLE[name]

    found = [str(problem).encode().decode() for problem in parse(drawn).problems]

    assert any(one.startswith(said) for one in found), found


def test_also_in_a_document_that_is_text() -> None:
    drawn = chain(node("a", "http_request", **ASK, body={"a": 5}))

    (problem,) = parse_json(json.dumps(drawn).replace('"a": 5', '"a": 1e999')).problems

    assert str(problem).startswith("nodes.a.data.body.a: is a number too large")


@pytest.mark.parametrize("number", ["1e999", "1" * 400, "1" * 5000])
def test_headers_that_are_text_hold_no_such_number(number: str) -> None:
    drawn = chain(node("a", "http_request", **ASK, headers=f'{{"a": {number}}}'))

    assert not parse(drawn).ir


def test_a_long_number_is_shortened() -> None:
    (problem,) = parse(chain(node("a", retryLimit=10**300))).problems

    assert len(problem.message) < 150


def test_whole_characters_beyond_the_first_plane_are_text() -> None:
    assert parse_json(json.dumps(chain(node("a", name="😀")))).ir
