"""What a request sends for lists and missing values, and how responses of all kinds are read."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import types, with_fields
from tests.workflows.programs.harness.echo import echoing
from tests.workflows.programs.harness.workers import Run, compiled, outputs, run_all

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
RESPONSES: dict[str, tuple[list[tuple[str, str]], bytes]] = {
    "cookies": ([("set-cookie", "a=1"), ("set-cookie", "b=2")], b""),
    "cookie": ([("set-cookie", "a=1")], b""),
    "latin": ([("content-type", "text/plain; charset=iso-8859-1")], "Größe".encode("latin-1")),
    "quoted": ([("content-type", 'text/csv; charset="windows-1252"')], "5 €".encode("cp1252")),
    "unknown": ([("content-type", "text/plain; charset=klingon")], "Größe".encode()),
    "json": ([("content-type", "application/problem+json")], '{"a": "ä"}'.encode()),
    "numbers": (
        [("content-type", "application/json")],
        b'{"id": 9007199254740993, "list": [-9007199254740993, 9007199254740994, 12345678901234567890, 1e3],'
        b' "small": 7, "price": 12345678901234567.5, "text": "9007199254740993", "huge": 1e400,'
        b' "whole": 9007199254740993.0, "big": 1%s}' % (b"0" * 400),
    ),
    "png": ([("content-type", "image/png")], PNG),
    "pdf": ([("content-type", "application/pdf")], b"%PDF-1.7\n\xe2\xe3"),
    "lines": ([("content-type", "application/x-ndjson-lines")], "ä\n".encode()),
    "none": ([], b"plain"),
    "bytes": ([], PNG),
}
READ = {
    "latin": "Größe",
    "quoted": "5 €",
    "unknown": "Größe",
    "json": {"a": "ä"},
    "numbers": {
        "id": "9007199254740993",
        "list": ["-9007199254740993", 9007199254740994, "12345678901234567890", 1000],
        "small": 7,
        "price": 12345678901234568,
        "text": "9007199254740993",
        "huge": "1e400",
        "whole": "9007199254740993.0",
        "big": "1" + "0" * 400,
    },
    "png": {"base64": base64.b64encode(PNG).decode(), "type": "image/png"},
    "pdf": {"base64": base64.b64encode(b"%PDF-1.7\n\xe2\xe3").decode(), "type": "application/pdf"},
    "lines": "ä\n",
    "none": "plain",
    "bytes": {"base64": base64.b64encode(PNG).decode(), "type": ""},
}
ONCE: dict[str, Any] = {"retryLimit": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with echoing(RESPONSES) as address:
        yield address


def ask(id_: str, url: str, **data: Any) -> dict[str, Any]:
    return node(id_, "http_request", url=url, **(ONCE | data))


TEMPLATE = """export default async ({ config, request }) => ({
  body: await request({ service: "Echo", url: config.url }),
});
"""
TYPES = types((with_fields(url={"required": True}) | {"outputSchema": {}}, TEMPLATE))

FIRST = node(
    "first",
    code="const o: any = { list: ['a', 'b'], nothing: null, made: new Date(0), bad: new Date(NaN), o: { n: 1 } }; return o;",
)
MISSING: dict[str, dict[str, Any]] = {
    "the URL": {"url": "https://127.0.0.1:9/{{ first.absent }}"},
    "the whole URL": {"url": "{{ first.absent }}"},
    "a part of a header": {"headers": {"x-id": "id {{ first.absent }}"}},
    "a part of the body": {"method": "POST", "body": {"a": ["{{ first.nothing }}!"]}},
}

INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a header": ({"headers": {"x-id": "{{ first.bad }}"}}, "The header x-id is an invalid date"),
    "a list": (
        {"queryParams": {"at": ["{{ first.made }}", "{{ first.bad }}"]}},
        "The query parameter at is an invalid date",
    ),
    "a function": (
        {"queryParams": {"a": "{{ first.o.toString }}"}},
        "The query parameter a is a function, not data",
    ),
    "the URL": (
        {"url": "https://127.0.0.1:9/{{ first.bad }}"},
        '"asked": url needs a value for {{ first.bad }}, which is an invalid date',
    ),
}


@pytest.fixture(scope="module")
def runs(server: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The finished runs, by the name of their workflow; all run in one process."""
    sent = ask(
        "sent", f"{server}/echo/{{{{ first.o }}}}?x=1&y=2",
        queryParams={"x": "{{ first.list }}", "z": "{{ first.absent }}", "w": "{{ first.nothing }}", "o": "{{ first.o }}"},
        headers={"x-a": "{{ first.absent }}", "x-b": "{{ first.list }}", "x-c": "at {{ first.made }}"},
    )  # fmt: skip
    body = {"absent": "{{ first.absent }}", "null": "{{ first.nothing }}", "o": "{{ first.o }}"}
    posted = ask("posted", f"{server}/echo/", method="POST", body=body)
    documents = {
        "Sent": chain(FIRST, sent, posted),
        "Read": chain(*(ask(name, f"{server}/{name}") for name in RESPONSES)),
        "Custom": chain(
            *(node(name, "greet", url=f"{server}/{name}", **ONCE) for name in RESPONSES)
        ),
    }
    for number, (_name, data) in enumerate(MISSING.items()):
        documents[f"Missing{number}"] = chain(FIRST, ask("asked", **{"url": server, **data}))
    for number, (data, _message) in enumerate(INVALID.values()):
        documents[f"Invalid{number}"] = chain(FIRST, ask("asked", **{"url": server, **data}))
    programs = compiled(documents, tmp_path_factory.mktemp("http"), types=TYPES)
    finished = run_all(programs, [Run(workflow=name) for name in documents])
    return dict(zip(documents, finished, strict=True))


def test_lists_are_repeated_and_missing_values_left_out(runs: dict[str, Any]) -> None:
    sent = outputs(runs["Sent"])["sent"]["body"]

    assert sent["path"] == "/echo/%7B%22n%22:1%7D?x=a&y=2&x=b&o=%7B%22n%22%3A1%7D"
    assert "x-a" not in sent["headers"]
    assert sent["headers"]["x-b"] == "a, b"
    assert sent["headers"]["x-c"] == "at 1970-01-01T00:00:00.000Z"


def test_a_key_of_json_whose_value_is_missing_is_left_out(runs: dict[str, Any]) -> None:
    posted = outputs(runs["Sent"])["posted"]["body"]

    assert json.loads(posted["body"]) == {"null": None, "o": {"n": 1}}


def test_repeated_headers_of_a_response_are_a_list(runs: dict[str, Any]) -> None:
    values = outputs(runs["Read"])

    assert values["cookies"]["headers"]["set-cookie"] == ["a=1", "b=2"]
    assert values["cookie"]["headers"]["set-cookie"] == "a=1"


@pytest.mark.parametrize("name", READ)
def test_a_body_is_read_in_its_charset_or_as_base64(runs: dict[str, Any], name: str) -> None:
    assert outputs(runs["Read"])[name]["body"] == READ[name]


@pytest.mark.parametrize("name", READ)
def test_a_template_gets_the_same_body(runs: dict[str, Any], name: str) -> None:
    assert outputs(runs["Custom"])[name]["body"] == READ[name]


@pytest.mark.parametrize(("number", "name"), list(enumerate(MISSING)))
def test_a_missing_value_in_a_text_is_an_error_that_names_it(
    runs: dict[str, Any], number: int, name: str
) -> None:
    run = runs[f"Missing{number}"]

    value = "first.nothing" if "body" in name else "first.absent"
    assert run["status"] == "errored"
    assert f"needs a value for {{{{ {value} }}}}" in run["error"]["message"]


@pytest.mark.parametrize(("number", "name"), list(enumerate(INVALID)))
def test_a_value_that_has_no_text_is_an_error_that_names_it(
    runs: dict[str, Any], number: int, name: str
) -> None:
    run = runs[f"Invalid{number}"]

    assert run["error"]["message"] == INVALID[name][1]
