from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.workflows.ir.documents import chain, node
from workflows.ir.json_schema import schema_error, value_error
from workflows.nodes.documents import parse


def endless() -> dict[str, Any]:
    """Return a schema that doubles the work with each of its references."""
    names = [f"n{number}" for number in range(60)]
    pairs = pairwise(names)
    parts = {name: {"allOf": [{"$ref": f"#/$defs/{other}"}] * 2} for name, other in pairs}
    return {"$ref": "#/$defs/n0", "$defs": parts | {"n59": {"type": "object"}}}


def test_a_value_is_checked_against_a_schema() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}

    assert value_error(schema, {"n": 1}) == ""
    assert value_error(schema, {"n": "x"}) == "n: 'x' is not of type 'integer'"


@pytest.mark.parametrize(
    ("schema", "value"),
    [({"pattern": "(x+x+)+y"}, "x" * 60), (endless(), {})],
    ids=["a pattern", "references"],
)
def test_an_endless_check_is_stopped(schema: dict[str, Any], value: object) -> None:
    assert "takes too long to check" in value_error(schema, value)


def test_a_schema_that_refers_to_itself_endlessly_accepts_everything() -> None:
    assert value_error({"$ref": "#"}, 1) == ""


@pytest.mark.parametrize("pattern", ["(" * 100_000, "(?:a+)" * 500_000], ids=["open", "long"])
def test_a_schema_that_cannot_be_checked_is_a_warning_on_its_node(pattern: str) -> None:
    assert schema_error({"pattern": pattern})
    wait = node("wait", "wait_for_event", eventType="x", schema={"pattern": pattern})

    parsed = parse(chain(wait))

    assert parsed.ir
    assert [problem.path for problem in parsed.problems] == ["nodes.wait.data.schema"]
