"""Lines that start runs: errors and repeated ids are reported by line number."""

from __future__ import annotations

import json

import pytest

from runs.bulk.batch_start import read_input
from runs.bulk.json_lines import read_lines
from runs.services.control import LARGEST_PAYLOAD, Refused


def refusal_of(*lines: str) -> str:
    with pytest.raises(Refused) as error:
        read_lines(lines)
    return str(error.value)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ('{"id": "zz", "param": {}}', '"param"'),
        ('{"id": "zz", "Parameters": {}}', '"Parameters"'),
        ('{"id": "zz", "payload": {}}', '"payload"'),
        ('{"ID": "zz", "params": {}}', '"ID"'),
        ('{"id": "zz", "params": {}, "reason": "x"}', '"reason"'),
    ],
)
def test_a_misspelled_key_is_refused(line: str, named: str) -> None:
    message = refusal_of("{}", line)

    assert message.startswith("Line 2: ")
    assert f"not {named}" in message
    assert 'write {"params": ...} around it' in message


@pytest.mark.parametrize(
    "line", ['{"id": 7, "amount": 3}', '{"id": "a", "parts": []}', '{"params": 1, "method": "x"}']
)
def test_a_payload_may_have_an_id_of_its_own(line: str) -> None:
    (read,) = read_lines([line])

    assert (read.params, read.is_named) == (line, False)


def test_no_key_of_a_large_payload_is_a_misspelled_one() -> None:
    line = json.dumps({"id": 7, "payload": 1} | {f"parame{number}": 1 for number in range(30)})

    (read,) = read_lines([line])

    assert (read.params, read.is_named) == (line, False)


def test_every_invalid_line_is_named_by_its_number_in_the_file() -> None:
    message = refusal_of("", "{", "{}", "[NaN]", '{"id": "a b", "params": 1}')

    assert [line.split(":")[0] for line in message.splitlines()] == ["Line 2", "Line 4", "Line 5"]
    assert "at line 2, column 2" in message
    assert "started" not in message


def test_only_the_first_invalid_lines_are_listed() -> None:
    message = refusal_of(*["{"] * 13).splitlines()

    assert len(message) == 11
    assert message[-1] == "3 more lines cannot be read."


def test_a_payload_that_is_too_large_is_refused_in_a_line_with_an_id() -> None:
    assert "Line 1: The payload has" in refusal_of(
        f'{{"id": "a", "params": "{"x" * LARGEST_PAYLOAD}"}}'
    )


def test_a_line_that_repeats_an_id_refers_to_the_first_line() -> None:
    lines = read_lines(['{"id": "a", "params": 1}', "", '{"id": "a", "params": 2}', "{}", "{}"])

    assert [(line.number, line.repeats) for line in lines] == [(1, 0), (3, 1), (4, 0), (5, 0)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            '{"id": "a", "params": {"n": 9007199254740993}}',
            "params.n in the payload is 9007199254740993",
        ),
        ('["\\ud800"]', "0 in the payload contains a lone surrogate"),
        ("[" * 100_000, "The payload is nested too deeply"),
    ],
)
def test_a_refusal_names_its_true_reason(line: str, reason: str) -> None:
    assert refusal_of("{}", line).startswith(f"Line 2: {reason}")


def test_a_line_ends_only_at_a_line_feed() -> None:
    text = '{"a": "x\\u2028y\u2028z"}\r\n{"b": "\x85"}'

    assert [line.params for line in read_lines(read_input(text, None))] == [
        '{"a": "x\\u2028y\\u2028z"}',
        '{"b": "\\u0085"}',
    ]
