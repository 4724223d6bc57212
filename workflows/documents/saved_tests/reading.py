"""Reads tests from JSON that people write, and reports every problem with its path."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from workflows.documents.saved_tests.model import (
    STATUSES,
    Expected,
    ExpectedOutput,
    ExpectedRequest,
    SavedTest,
)
from workflows.documents.saved_tests.pins import (
    NOTHING,
    read_pins,
    refuse_unknown,
    value_or_nothing,
)
from workflows.ir import json_schema
from workflows.ir.reading.bindings import VARIABLE_NAME
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values
from workflows.ir.reading.reader import Reader

MAX_TESTS: Final = 100
MAX_NAME: Final = 100  # characters
MAX_SIZE: Final = 2_000_000  # characters of JSON, for all tests of a workflow
MAX_SPEED: Final = 10_000_000.0
_MAX_PROBLEMS: Final = 100
_MAX_REQUESTS: Final = 200
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]{0,8000}")
_WITHOUT_BODY: Final = (204, 205, 304)
_TOO_LARGE: Final = f"can have at most {MAX_SIZE:,} characters in total"


class InvalidTests(Exception):
    """The tests cannot be used; `problems` has the first reasons."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems[:_MAX_PROBLEMS])))
        self.problems = tuple(problems[:_MAX_PROBLEMS])


def read_tests(value: Any) -> tuple[SavedTest, ...]:
    """Return the tests of a JSON list; raises InvalidTests with their problems."""
    if not isinstance(value, list):
        raise InvalidTests([Problem(path="tests", message="must be a list of tests")])
    problems = check_values({"tests": value}, max_depth=MAX_DEPTH)
    if problems:
        raise InvalidTests(problems)
    if len(value) > MAX_TESTS:
        message = f"must not contain more than {MAX_TESTS} tests"
        raise InvalidTests([Problem(path="tests", message=message)])
    if len(json.dumps(value, ensure_ascii=False)) > MAX_SIZE:
        raise InvalidTests([Problem(path="tests", message=_TOO_LARGE)])
    log: list[Problem] = []
    reader = Reader({"tests": value}, path="", log=log)
    tests = tuple(_read(each, log) for each in reader.objects("tests"))
    _check_names(tests, log)
    if log:
        raise InvalidTests(log)
    return tests


def read_test(value: Any) -> SavedTest:
    """Return one test; raises InvalidTests, with paths inside the test."""
    try:
        (test,) = read_tests([value])
    except InvalidTests as invalid:
        raise InvalidTests(
            [
                Problem(path=each.path.removeprefix("tests.0").lstrip("."), message=each.message)
                for each in invalid.problems
            ]
        ) from None
    return test


def _check_names(tests: tuple[SavedTest, ...], log: list[Problem]) -> None:
    names: set[str] = set()
    for index, test in enumerate(tests):
        if test.name in names:
            message = f"{quoted(test.name)} is the name of another test: choose a different one"
            log.append(Problem(path=f"tests.{index}.name", message=message))
        names.add(test.name)


def _read(reader: Reader, log: list[Problem]) -> SavedTest:
    before = len(log)
    pins, expected = reader.child("pins"), reader.child("expect")
    test = SavedTest(
        name=_name(reader),
        payload=reader.value.get("payload", {}),
        speed=_speed(reader),
        variables=dict(_variables(reader)),
        pins=read_pins(pins) if pins else {},
        requests=_requests(reader),
        expected=_expected(expected) if expected else Expected(),
        source=reader.value,
    )
    reader.know("payload")
    refuse_unknown(reader)
    return test if len(log) == before else SavedTest(name=test.name, payload={})


def _name(reader: Reader) -> str:
    name = " ".join(reader.string("name").split())
    if reader.value.get("name") and not name:
        reader.problem("name", "must not be blank")
    elif problem := name and name_problem(name, longest=MAX_NAME):
        reader.problem("name", problem)
    return name


def _speed(reader: Reader) -> float | None:
    speed = reader.raw("speed")
    is_number = isinstance(speed, int | float) and not isinstance(speed, bool)
    if speed is not None and not (is_number and 1 <= speed <= MAX_SPEED):
        reader.problem("speed", f"must be 1 to {MAX_SPEED:,.0f}, or null to skip what takes time")
        return None
    return None if speed is None else float(speed)


def _variables(reader: Reader) -> Iterator[tuple[str, str]]:
    variables = reader.child("variables")
    for name, value in variables.value.items() if variables else ():
        if not VARIABLE_NAME.fullmatch(name):
            reader.problem("variables", f"{quoted(name)} cannot be the name of a variable")
        elif not isinstance(value, str) or "\0" in value:
            reader.problem(f"variables.{name}", f"must be text, not {quoted(value)}")
        else:
            yield name, value


def _requests(reader: Reader) -> tuple[ExpectedRequest, ...] | None:
    if not reader.has("requests"):
        reader.know("requests")
        return None
    found = tuple(_request(each) for each in reader.objects("requests"))
    if len(found) > _MAX_REQUESTS:
        reader.problem("requests", f"must not contain more than {_MAX_REQUESTS} requests")
    return found


def _request(reader: Reader) -> ExpectedRequest:
    url, answer = reader.string("url"), reader.required("answer")
    if url and not _is_url(url):
        reader.problem("url", f"must be a URL such as https://example.com/, not {quoted(url)}")
    request = ExpectedRequest(
        method=reader.choice("method", "GET", _METHODS),
        url=url,
        body=value_or_nothing(reader, "body"),
        status=answer.integer("status", 200, least=200, most=599),
        headers=dict(_headers(answer)),
        answer=value_or_nothing(answer, "body"),
    )
    if request.status in _WITHOUT_BODY and request.answer not in (NOTHING, None):
        answer.problem("body", f"must be absent: a response {request.status} has no body")
    refuse_unknown(answer)
    refuse_unknown(reader)
    return request


def _headers(reader: Reader) -> Iterator[tuple[str, str]]:
    headers = reader.child("headers")
    for name, value in headers.value.items() if headers else ():
        if not _HEADER_NAME.fullmatch(name):
            reader.problem("headers", f"{quoted(name)} cannot be the name of a header")
        elif not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            reader.problem(f"headers.{name}", f"must be one line of text, not {quoted(value)}")
        else:
            yield name, value


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _expected(reader: Reader) -> Expected:
    outputs, output = reader.child("outputs"), reader.child("output")
    expected = Expected(
        status=reader.choice("status", STATUSES[0], STATUSES),
        error=reader.string("error", ""),
        nodes=_nodes(reader),
        outputs=dict(_outputs(outputs)) if outputs else {},
        output=_output(output) if output else None,
    )
    if output and expected.output and expected.output.values is not None:
        output.problem("values", "is for nodes: a run has one output. Use value")
    refuse_unknown(reader)
    return expected


def _nodes(reader: Reader) -> frozenset[str] | None:
    nodes = reader.raw("nodes")
    if nodes is None:
        return None
    if not isinstance(nodes, list) or not all(isinstance(each, str) for each in nodes):
        reader.problem("nodes", "must be a list of the ids of nodes")
        return None
    return frozenset(nodes)


def _outputs(reader: Reader) -> Iterator[tuple[str, ExpectedOutput]]:
    for node_id in reader.value:
        output = reader.child(node_id)
        if output:
            yield node_id, _output(output)


def _output(reader: Reader) -> ExpectedOutput:
    value, values = value_or_nothing(reader, "value"), reader.raw("values")
    schema = reader.child("schema")
    if values is not None and not isinstance(values, list):
        reader.problem("values", f"must be a list, not {quoted(values)}")
        values = None
    if sum([value is not NOTHING, values is not None, schema is not None]) != 1:
        reader.problem("value", 'write one of "value", "values" and "schema"')
    if schema and (error := json_schema.schema_error(schema.value)):
        reader.problem("schema", f"is not a JSON Schema that can be used: {error}")
    refuse_unknown(reader)
    return ExpectedOutput(
        value=value,
        values=None if values is None else tuple(values),
        schema=schema.value if schema else None,
    )
