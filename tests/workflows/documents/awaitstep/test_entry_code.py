"""AwaitStep's entry code: annotated functions and bodies become exported functions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.ir.documents import chain, node
from workflows.documents.awaitstep.conversion import Converted, convert
from workflows.nodes.built_in import NODE_TYPES


def converted(entry_code: str, **parts: Any) -> Converted:
    return convert(chain(node("a"), **parts), NODE_TYPES, entry_code=entry_code)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("return new Response('@fetch');", "export async function fetch(request, env, ctx) {\nreturn new Response('@fetch');\n}\n"),
        ("import a from 'node:os'\nreturn a;", "import a from 'node:os'\nexport async function fetch(request, env, ctx) {\nreturn a;\n}\n"),
        ("@fetch function handler(request) { return `  \n@queue`; }", "async function handler(request) { return `  \n@queue`; }\n\nexport { handler as fetch };\n"),
        ("const a = 1;\n@fetch // here\nasync function fetch() {}", "const a = 1;\n// here\nasync function fetch() {}\n\nexport { fetch };\n"),
        ("@queue function orders(b) { @config { max_retries: 1 }\n b.ackAll(); }", "async function orders(b) { b.ackAll(); }\n\nexport { orders as queue };\n"),
        ("export function fetch() {}", "export function fetch() {}"),
        ("", ""),
    ],
)  # fmt: skip
def test_entry_code_becomes_a_module(written: str, expected: str) -> None:
    found = converted(written)

    assert (found.entry_code, found.problems) == (expected, ())


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("\n@scheduled function a() {}", "line 2, column 1: @scheduled is not an annotation"),
        ("@fetch const a = 1;", "@fetch must be directly before a function at the top level"),
        ("function a() { @queue function b() {} }", "@queue must be directly before a function"),
        ("@fetch function a() {}\n@fetch function b() {}", "line 2, column 1: there is already"),
        ("@queue function a() {}\n@queue function a() {}", "there are two functions a"),
        ("@queue function a() { b(); @config { max_retries: 1 } }", "@config must be the first"),
        ("@fetch function a() { @config { max_retries: 1 } }", "@config must be the first"),
        ("@queue function a() { @config { retries: 1 } }", '@config has no setting retries: use "max'),
        ("@queue function a() { @config { max_retries: b } }", "must be a whole number, not b"),
        ("@queue function a() { @config { max_batch_size: 500 } }", "must be between 1 and 100"),
        ("@queue function a() { @config { ...b } }", "@config cannot contain ...b"),
        ("@fetch function a() { return ; ) }", "line 1, column 32: syntax error"),
        ("return {", "line 1"),
        ("@" + "!" * 100_000, "takes too long to parse"),
        ("@" + " " * 300_000, "is longer than 250 KB"),
    ],
)  # fmt: skip
def test_entry_code_that_cannot_be_taken_over_prevents_the_import(
    written: str, reason: str
) -> None:
    found = converted(written)

    errors = [str(problem) for problem in found.problems if problem.is_error]
    assert any(reason in error for error in errors), errors


def test_a_script_has_no_entry_code() -> None:
    found = converted("return 1;", kind="script", trigger={"type": "http"})

    assert "a script answers requests itself" in str(found.problems[0])


@pytest.mark.parametrize(
    ("name", "queue"),
    [("orders", "orders"), ("order_events", "order-events"), ("orderEvents2", "order-events2")],
)
def test_a_function_consumes_the_queue_with_its_name(name: str, queue: str) -> None:
    found = converted(f"@queue function {name}(batch) {{}}")

    assert found.consumers == ({"queue": queue},)


def test_consumers_replace_those_of_the_same_queue() -> None:
    found = converted('@queue function a() { @config { "max_batch_timeout": "5s" } }')

    settings = found.settings({"queueConsumers": [{"queue": "b"}, {"queue": "a", "maxRetries": 1}]})

    assert settings == {"queueConsumers": [{"queue": "b"}, {"queue": "a", "maxBatchTimeout": 5}]}
