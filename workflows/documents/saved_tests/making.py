"""Makes a test from what a run has done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from workflows.documents.saved_tests.checking import json_or_text
from workflows.documents.saved_tests.model import MadeRequest, Observed
from workflows.editing.document.changes import is_equal

JsonObject = dict[str, Any]
_MAX_ERROR: Final = 300
_TYPES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
}


def make_test(
    observed: Observed,
    *,
    name: str,
    payload: Any,
    speed: float | None,
    variables: Mapping[str, str],
    pins: Mapping[str, JsonObject],
    with_requests: bool,
) -> JsonObject:
    """Return a test that a run like the observed one passes.

    Outputs of pinned nodes are not expected: they would be compared with themselves.
    """
    expect: JsonObject = {"status": observed.status, "nodes": list(observed.nodes)}
    if observed.status == "errored":
        expect["error"] = observed.error.partition("\n")[0][:_MAX_ERROR]
    outputs = {
        node_id: {"value": values[0]} if len(values) == 1 else {"values": list(values)}
        for node_id, values in observed.outputs.items()
        if values and node_id not in pins
    }
    if outputs:
        expect["outputs"] = outputs
    if observed.status == "complete":
        expect["output"] = {"value": observed.output}
    test: JsonObject = {"name": name, "payload": payload}
    if speed is not None:
        test["speed"] = speed
    if variables:
        test["variables"] = dict(variables)
    if pins:
        test["pins"] = dict(pins)
    if with_requests:
        test["requests"] = [_request(made) for made in observed.requests]
    return test | {"expect": expect}


def _request(made: MadeRequest) -> JsonObject:
    answer: JsonObject = {"status": made.status or 200}
    if made.response:
        answer["body"] = json_or_text(made.response)
    body = {} if made.body is None else {"body": json_or_text(made.body)}
    return {"method": made.method, "url": made.url, **body, "answer": answer}


def with_schemas(test: JsonObject, second: Observed) -> JsonObject:
    """Replace the expected values that differ in a second run with JSON Schemas."""
    expect = dict(test["expect"])
    outputs: JsonObject = expect.get("outputs", {})
    if outputs:
        expect["outputs"] = {
            node_id: _expected_of_both(expected, second.outputs.get(node_id, ()))
            for node_id, expected in outputs.items()
        }
    if "output" in expect:
        expect["output"] = _expected_of_both(expect["output"], (second.output,))
    return {**test, "expect": expect}


def _expected_of_both(expected: JsonObject, second: tuple[Any, ...]) -> JsonObject:
    """Return what fits the expected output and that of the second run."""
    first = list(expected["values"]) if "values" in expected else [expected["value"]]
    return expected if is_equal(first, list(second)) else {"schema": schema_of([*first, *second])}


def schema_of(values: Sequence[Any]) -> JsonObject:
    """Return a JSON Schema that describes the types of the values and accepts all of them."""
    objects = [value for value in values if isinstance(value, dict)]
    lists = [value for value in values if isinstance(value, list)]
    kinds = dict.fromkeys(_TYPES[type(value)] for value in values if type(value) in _TYPES)
    schemas: list[JsonObject] = [{"type": kind} for kind in kinds]
    if objects:
        schemas.append(_object_schema(objects))
    if lists:
        items = [item for value in lists for item in value]
        schemas.append({"type": "array", "items": schema_of(items) if items else {}})
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _object_schema(objects: Sequence[JsonObject]) -> JsonObject:
    keys = dict.fromkeys(key for value in objects for key in value)
    return {
        "type": "object",
        "required": [key for key in keys if all(key in value for value in objects)],
        "properties": {
            key: schema_of([each[key] for each in objects if key in each]) for key in keys
        },
    }


def with_node_ids(tests: Any, ids: Mapping[str, str]) -> Any:
    """Return stored tests in which nodes have new ids; what cannot be read stays as it is."""
    if not isinstance(tests, list) or not ids:
        return tests
    return [_with_node_ids(test, ids) if isinstance(test, dict) else test for test in tests]


def _with_node_ids(test: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    renamed = dict(test)
    if isinstance(test.get("pins"), dict):
        renamed["pins"] = _renamed_keys(test["pins"], ids)
    expect = test.get("expect")
    if isinstance(expect, dict):
        expect = dict(expect)
        if isinstance(expect.get("nodes"), list):
            expect["nodes"] = [
                ids.get(each, each) if isinstance(each, str) else each for each in expect["nodes"]
            ]
        if isinstance(expect.get("outputs"), dict):
            expect["outputs"] = _renamed_keys(expect["outputs"], ids)
        renamed["expect"] = expect
    return renamed


def _renamed_keys(members: JsonObject, ids: Mapping[str, str]) -> JsonObject:
    return {ids.get(key, key): value for key, value in members.items()}
