"""Tests as JSON: what can be read, and how a mistake is reported."""

from __future__ import annotations

from typing import Any

import pytest

from workflows.documents.saved_tests.pins import NOTHING, Failures, Pin
from workflows.documents.saved_tests.reading import InvalidTests, read_test, read_tests

REQUEST: dict[str, Any] = {"method": "POST", "url": "https://shop.example/", "answer": {}}


def problems(value: Any) -> list[str]:
    with pytest.raises(InvalidTests) as invalid:
        read_tests(value)
    return [str(problem) for problem in invalid.value.problems]


def test_only_the_name_is_required() -> None:
    test = read_test({"name": "  two   words "})
    assert (test.name, test.payload, test.speed, test.requests) == ("two words", {}, None, None)
    assert (test.expected.status, test.expected.nodes) == ("complete", None)


def test_null_is_a_value_of_a_pin_and_of_an_output() -> None:
    test = read_test({"name": "x", "pins": {"a": {"output": None}}, "payload": None})
    assert test.pins["a"] == Pin(output=None)
    assert test.payload is None
    expected = read_test({"name": "x", "expect": {"outputs": {"a": {"value": None}}}}).expected
    assert expected.outputs["a"].value is None


def test_failures_may_be_endless_or_timeouts() -> None:
    pins = {"a": {"failures": {"times": 2, "message": "no"}}, "b": {"failures": {}}}
    test = read_test({"name": "x", "pins": pins})
    assert test.pins["a"].failures == Failures(times=2, message="no")
    assert test.pins["b"].failures == Failures(times=None, message=None)


def test_a_request_without_a_body_may_have_any() -> None:
    (request,) = read_test({"name": "x", "requests": [REQUEST]}).requests or ()
    assert (request.body, request.answer, request.status) == (NOTHING, NOTHING, 200)
    assert request.as_plan()["answer"] == {"status": 200, "headers": {}}


@pytest.mark.parametrize(
    "changed", [{"payload": [2**60 + 1] * 1000}, {f"k{n}": 1 for n in range(1000)}]
)
def test_only_the_first_problems_are_listed(changed: dict[str, Any]) -> None:
    found = problems([{"name": "x", **changed}])
    assert len(found) == 100
    assert found[0].startswith("tests.0.")


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"name": ""}, "tests.0.name: must not be empty"),
        ({"title": "x"}, 'tests.0.title: "title" is unknown: check the spelling, or remove it'),
        ({"pins": {"a": {}}}, 'tests.0.pins.a.output: must have "output", "outputs" or "failures"'),
        (
            {"pins": {"a": {"outputs": []}}},
            "tests.0.pins.a.outputs: must be a list of 1 to 1,000 outputs",
        ),
        (
            {"pins": {"a": {"failures": {"times": 0}}}},
            "tests.0.pins.a.failures.times: must be 1 to 10,000, or null for always",
        ),
        ({"variables": {"a b": "x"}}, 'tests.0.variables: "a b" cannot be the name of a variable'),
        ({"variables": {"A": 1}}, "tests.0.variables.A: must be text, not 1"),
        (
            {"requests": [{**REQUEST, "url": "shop"}]},
            'tests.0.requests.0.url: must be a URL such as https://example.com/, not "shop"',
        ),
        (
            {"requests": [{**REQUEST, "answer": {"status": 204, "body": {}}}]},
            "tests.0.requests.0.answer.body: must be absent: a response 204 has no body",
        ),
        (
            {"requests": [{**REQUEST, "answer": {"headers": {"a b": "x"}}}]},
            'tests.0.requests.0.answer.headers: "a b" cannot be the name of a header',
        ),
        (
            {"requests": [{**REQUEST, "answer": {"headers": {"a": "x\ny"}}}]},
            'tests.0.requests.0.answer.headers.a: must be one line of text, not "x\\ny"',
        ),
        (
            {"expect": {"output": {"value": 1, "schema": {}}}},
            'tests.0.expect.output.value: write one of "value", "values" and "schema"',
        ),
        (
            {"expect": {"output": {"values": [1]}}},
            "tests.0.expect.output.values: is for nodes: a run has one output. Use value",
        ),
        ({"expect": {"nodes": [1]}}, "tests.0.expect.nodes: must be a list of the ids of nodes"),
    ],
)
def test_a_mistake_is_reported_with_its_place(changed: dict[str, Any], problem: str) -> None:
    assert problem in problems([{"name": "x", **changed}])


def test_names_are_unique() -> None:
    found = problems([{"name": "x"}, {"name": " x"}])
    assert found == ['tests.1.name: "x" is the name of another test: choose a different one']


@pytest.mark.parametrize("value", [None, {}, "tests", [1]])
def test_other_values_than_a_list_of_tests_are_refused(value: Any) -> None:
    assert problems(value)


def test_there_can_be_a_hundred_tests() -> None:
    assert problems([{"name": str(number)} for number in range(101)]) == [
        "tests: must not contain more than 100 tests"
    ]


def test_tests_cannot_be_too_large_together() -> None:
    (problem,) = problems([{"name": "x", "payload": "y" * 2_000_000}])
    assert problem.startswith("tests: can have at most 2,000,000 characters in total")


def test_a_test_keeps_the_json_that_it_was_read_from() -> None:
    value = {"name": "x", "pins": {"b": {"output": 1}, "a": {"output": None}}}
    assert read_test(value).source == value
