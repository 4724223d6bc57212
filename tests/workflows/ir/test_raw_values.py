from __future__ import annotations

import json
from typing import Any

import pytest

from tests.workflows.ir.documents import chain, document, node
from workflows.nodes.documents import parse, parse_json

SURROGATE = "\ud800"
ASK: dict[str, Any] = {"url": "http://x", "method": "POST"}

INVALID = {
    "a name": (chain(node("a", name=SURROGATE)), "nodes.a.name: contains a lone surrogate"),
    "code": (
        chain(node("a", code=f"return '{SURROGATE}'")),
        "nodes.a.data.code: contains a lone surrogate",
    ),
    "an id": (chain(node(SURROGATE)), "nodes.\\ud800.id: contains a lone surrogate"),
    "a label": (
        document([node("a"), node("b")], f"a b {SURROGATE}"),
        "edges.a b \\ud800.id: contains a lone surrogate",
    ),
    "a key": (
        chain(node("a", extra={SURROGATE: 1})),
        "nodes.a.data.extra.\\ud800: the key contains a lone surrogate",
    ),
    "a NUL in code": (
        chain(node("a", code="return '\0'")),
        "nodes.a.data.code: contains a NUL character",
    ),
    "a NUL in a key": (
        chain(node("a", extra={"a\0": 1})),
        "nodes.a.data.extra.a\0: the key contains a NUL character",
    ),
    "infinity": (
        chain(node("a", "http_request", **ASK, body={"a": [1, float("inf")]})),
        "nodes.a.data.body.a.1: is a number that is too large",
    ),
    "400 digits": (
        chain(node("a", retryLimit=10**400)),
        "nodes.a.data.retryLimit: is a number that is too large",
    ),
    "a whole number that changes": (
        chain(node("a", extra=[9007199254740993])),
        "nodes.a.data.extra.0: is 9007199254740993, a whole number that JavaScript cannot represent",
    ),
    "a whole number in JSON text": (
        chain(node("a", "http_request", **ASK, body='{"id": [-9007199254740993]}')),
        "nodes.a.data.body.id.0: is -9007199254740993, a whole number",
    ),
    "a whole number in headers": (
        chain(node("a", "http_request", **ASK, headers='{"id": 12345678901234567.0}')),
        "nodes.a.data.headers.id: is 12345678901234567, a whole number",
    ),
    "5000 digits": (
        chain(node("a", retryLimit=10**5000)),
        "nodes.a.data.retryLimit: is a number that is too large",
    ),
}


@pytest.mark.parametrize("name", INVALID)
def test_a_value_that_cannot_be_used_is_a_problem(name: str) -> None:
    ir_document, expected = INVALID[name]

    problems = [str(problem).encode().decode() for problem in parse(ir_document).problems]

    assert any(problem.startswith(expected) for problem in problems), problems


def test_a_number_in_json_text_can_be_too_large() -> None:
    ir_document = chain(node("a", "http_request", **ASK, body={"a": 5}))

    (problem,) = parse_json(json.dumps(ir_document).replace('"a": 5', '"a": 1e999')).problems

    assert str(problem).startswith("nodes.a.data.body.a: is a number that is too large")


@pytest.mark.parametrize("number", ["1e999", "1" * 400, "1" * 5000])
def test_a_number_in_headers_can_be_too_large(number: str) -> None:
    ir_document = chain(node("a", "http_request", **ASK, headers=f'{{"a": {number}}}'))

    assert not parse(ir_document).ir


def test_a_long_number_is_shortened() -> None:
    (problem,) = parse(chain(node("a", retryLimit=10**300))).problems

    assert len(problem.message) < 150


def test_characters_beyond_the_first_plane_are_accepted() -> None:
    assert parse_json(json.dumps(chain(node("a", name="😀")))).ir


@pytest.mark.parametrize("text", ["9007199254740993", "12345678901234567.0", "-9007199254740993"])
def test_a_whole_number_that_javascript_would_change_is_a_problem(text: str) -> None:
    ir_document = json.dumps(chain(node("a", extra=5))).replace('"extra": 5', f'"extra": {text}')

    (problem,) = parse_json(ir_document).problems

    assert str(problem).startswith("nodes.a.data.extra: is ")


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740992",
        "9007199254740994",
        "-1",
        "1e300",
        "12345678901234567e3",
        "0.12345678901234567",
    ],
)
def test_other_numbers_are_accepted(text: str) -> None:
    ir_document = json.dumps(chain(node("a", extra=5))).replace('"extra": 5', f'"extra": {text}')

    assert parse_json(ir_document).ir
