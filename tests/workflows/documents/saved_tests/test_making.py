"""Tests that are made from what a run has done, and what differs from them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.support.examples import examples
from workflows.documents.saved_tests.checking import differences
from workflows.documents.saved_tests.making import (
    make_test,
    schema_of,
    with_node_ids,
    with_schemas,
)
from workflows.documents.saved_tests.model import MadeRequest, Observed
from workflows.documents.saved_tests.reading import read_test

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
RUN = Observed(
    status="complete",
    error="",
    nodes=("read", "each", "send"),
    outputs={"read": ({"total": 3},), "each": (1, 2), "send": ({"ok": True},)},
    output=6,
    requests=(
        MadeRequest(
            method="POST", url="https://shop.example/", body='{"id": 1}', answered=None, status=201,
            response='{"ok": true}',
        ),
    ),
)  # fmt: skip


def made(observed: Observed = RUN, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": "made",
        "payload": {},
        "speed": None,
        "variables": {},
        "pins": {},
        "with_requests": True,
    }
    return make_test(observed, **{**values, **changes})


def answered(observed: Observed) -> Observed:
    """The run again, whose requests got the answers of the test."""
    requests = [replace(each, answered=at) for at, each in enumerate(observed.requests)]
    return replace(observed, requests=tuple(requests))


def messages(test: dict[str, Any], observed: Observed) -> list[str]:
    return [each.message for each in differences(read_test(test), observed, str.title)]


def test_the_same_run_does_not_differ() -> None:
    assert messages(made(), answered(RUN)) == []


def test_outputs_of_pinned_nodes_are_not_expected() -> None:
    test = made(pins={"send": {"output": {"ok": True}}})
    assert set(test["expect"]["outputs"]) == {"read", "each"}


def test_every_kind_of_difference_is_a_sentence() -> None:
    other = Observed(
        status="complete",
        error="",
        nodes=("read", "extra", "each"),
        outputs={"read": ({"total": 4},), "each": (1,)},
        output="six",
        requests=(replace(RUN.requests[0], url="https://other.example/"),),
    )
    assert messages(made(), other) == [
        '"Send" does not run.',
        '"Extra" runs, but should not.',
        'The output of "Read" differs: total is 4, not 3.',
        'The output of "Each" exists once, not twice.',
        'The output of "Send" is missing.',
        'The output of the run is "six", not 6.',
        "The request POST https://shop.example/ is not made.",
        "The test has no answer for the request POST https://other.example/.",
    ]


def test_a_failure_is_expected_with_the_first_line_of_its_message() -> None:
    failed = replace(RUN, status="errored", error="out of stock\n  at step", output=None)
    test = made(failed)
    assert test["expect"]["error"] == "out of stock"
    assert "output" not in test["expect"]
    other = answered(replace(failed, error="no money"))
    (message,) = messages(test, other)
    assert message == 'The error is "no money", which does not contain "out of stock".'


def test_what_varies_between_two_runs_is_only_expected_to_have_its_types() -> None:
    second = replace(
        RUN, outputs={**RUN.outputs, "read": ({"total": 9},), "each": (1, 7)}, output=9
    )
    test = with_schemas(made(), second)
    assert test["expect"]["outputs"]["send"] == {"value": {"ok": True}}
    assert "schema" in test["expect"]["outputs"]["read"]
    assert messages(test, answered(second)) == []
    wrong = replace(RUN, outputs={**RUN.outputs, "read": ({"total": "nine"},)})
    assert len(messages(test, answered(wrong))) == 1


@settings(deadline=None, max_examples=examples(60, 2_000))
@given(st.lists(JSON, min_size=1, max_size=4))
def test_all_values_are_valid_by_their_schema(values: list[Any]) -> None:
    schema = schema_of(values)
    Draft202012Validator.check_schema(schema)
    for value in values:
        Draft202012Validator(schema).validate(value)


def test_nodes_get_new_ids_wherever_a_test_names_them() -> None:
    test = made(pins={"send": {"output": 1}})
    (renamed,) = with_node_ids([test], {"send": "post", "read": "load"})
    assert [*renamed["pins"]] == ["post"]
    assert renamed["expect"]["nodes"] == ["load", "each", "post"]
    assert [*renamed["expect"]["outputs"]] == ["load", "each"]
    assert with_node_ids([test], {}) == [test]


def test_broken_tests_survive_new_ids() -> None:
    for value in (None, "x", [1], [{"pins": 1, "expect": {"nodes": [1, "a"], "outputs": 2}}]):
        with_node_ids(value, {"a": "b"})
