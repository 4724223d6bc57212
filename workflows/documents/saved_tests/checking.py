"""Compares what a run has done with what its test expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from workflows.documents.comparison.values import field_changes
from workflows.documents.saved_tests.model import (
    Difference,
    ExpectedOutput,
    ExpectedRequest,
    MadeRequest,
    Observed,
    SavedTest,
)
from workflows.documents.saved_tests.pins import NOTHING
from workflows.editing.document.changes import is_equal
from workflows.ir import json_schema
from workflows.ir.reading.problems import quoted

_MAX_FIELDS: Final = 3
_MAX_ERROR: Final = 300
_MAX_DIFFERENCES: Final = 100
_VERBS: Final = {"complete": "completes", "errored": "fails", "terminated": "is stopped"}
_INFINITIVES: Final = {"complete": "complete", "errored": "fail", "terminated": "be stopped"}


def differences(
    test: SavedTest, observed: Observed, name_of: Callable[[str], str]
) -> tuple[Difference, ...]:
    """Return everything that is not as the test expects; `name_of` returns the name of a node."""
    found = [
        *_status(test, observed),
        *_nodes(test, observed, name_of),
        *_outputs(test, observed, name_of),
        *_requests(test, observed),
    ]
    return tuple(found[:_MAX_DIFFERENCES])


def _status(test: SavedTest, observed: Observed) -> Iterator[Difference]:
    expected, error = test.expected, observed.error[:_MAX_ERROR]
    if observed.status != expected.status:
        actual = _VERBS.get(observed.status, observed.status)
        reason = f": {error}" if error else "."
        should = _INFINITIVES[expected.status]
        yield Difference(message=f"The run {actual}, but it should {should}{reason}")
    elif expected.error not in observed.error:
        yield Difference(
            message=f"The error is {quoted(error)}, which does not contain {quoted(expected.error)}."
        )


def _nodes(
    test: SavedTest, observed: Observed, name_of: Callable[[str], str]
) -> Iterator[Difference]:
    if test.expected.nodes is None:
        return
    for node_id in sorted(test.expected.nodes - set(observed.nodes)):
        yield Difference(message=f"{quoted(name_of(node_id))} does not run.", node_id=node_id)
    for node_id in observed.nodes:
        if node_id not in test.expected.nodes:
            message = f"{quoted(name_of(node_id))} runs, but should not."
            yield Difference(message=message, node_id=node_id)


def _outputs(
    test: SavedTest, observed: Observed, name_of: Callable[[str], str]
) -> Iterator[Difference]:
    for node_id, expected in test.expected.outputs.items():
        what = f"The output of {quoted(name_of(node_id))}"
        actual = observed.outputs.get(node_id, ())
        if not actual:
            yield Difference(message=f"{what} is missing.", node_id=node_id)
            continue
        for message in _output_errors(expected, actual, what):
            yield Difference(message=message, node_id=node_id)
    if test.expected.output and observed.status == "complete":
        for message in _output_errors(
            test.expected.output, (observed.output,), "The output of the run"
        ):
            yield Difference(message=message)


def _output_errors(expected: ExpectedOutput, actual: tuple[Any, ...], what: str) -> Iterator[str]:
    if expected.schema is not None:
        for value in actual:
            if error := json_schema.value_error(expected.schema, value):
                yield f"{what} does not match its JSON Schema: {error}."
                return
    elif expected.values is not None:
        if len(expected.values) != len(actual):
            yield f"{what} exists {_times(len(actual))}, not {_times(len(expected.values))}."
        for number, (expected_value, value) in enumerate(
            zip(expected.values, actual, strict=False), 1
        ):
            yield from _value_errors(
                expected_value, value, what.replace("The output", f"Output {number}", 1)
            )
    else:
        yield from _value_errors(expected.value, actual[-1], what)


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _value_errors(expected: Any, actual: Any, what: str) -> Iterator[str]:
    """Yield one sentence with the parts that differ."""
    if is_equal(expected, actual):
        return
    changes = list(field_changes(expected, actual, ""))
    if len(changes) == 1 and not changes[0].path:
        yield f"{what} is {quoted(actual)}, not {quoted(expected)}."
        return
    parts = [
        f"{each.path} is {_short(each.after)}, not {_short(each.before)}"
        for each in changes[:_MAX_FIELDS]
    ]
    rest = len(changes) - len(parts)
    more = f", and {rest} more" if rest > 0 else ""
    yield f"{what} differs: {'; '.join(parts)}{more}."


def _short(text: str | None) -> str:
    return "missing" if text is None else quoted(text) if len(text) > 80 else text


def _requests(test: SavedTest, observed: Observed) -> Iterator[Difference]:
    if test.requests is None:
        return
    answered = {made.answered: made for made in observed.requests if made.answered is not None}
    for index, expected in enumerate(test.requests):
        made = answered.get(index)
        if made is None:
            yield Difference(message=f"The request {expected} is not made.")
        else:
            yield from _body(expected, made)
    unexpected = [str(made) for made in observed.requests if made.answered is None]
    for request in dict.fromkeys(unexpected):
        yield Difference(message=f"The test has no answer for the request {request}.")


def _body(expected: ExpectedRequest, made: MadeRequest) -> Iterator[Difference]:
    if expected.body is NOTHING:
        return
    actual: Any = made.body
    if not isinstance(expected.body, str):
        actual = json_or_text(made.body)
    for message in _value_errors(expected.body, actual, f"The body of {expected}"):
        yield Difference(message=message)


def json_or_text(text: str | None) -> Any:
    """Return the JSON value of a text, or the text itself."""
    try:
        return json.loads(text or "")
    except (ValueError, RecursionError):
        return text
