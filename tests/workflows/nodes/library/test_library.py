"""Each node type in the library does what the cases in its folder and the example on its page say.

All of them run in one process of workerd. The services that they call are a server on loopback.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.docs.page_examples import Example, canonical, examples_of
from tests.workflows.nodes.library.cases import (
    FAST,
    LEAKS,
    SECRETS,
    Case,
    cases_of,
    document_of,
)
from tests.workflows.nodes.library.services import (
    Services,
    differences,
    filled,
    serving_services,
)
from tests.workflows.programs.harness.workers import Run, compiled, run_all
from workflows.ir.custom.definition import Definition
from workflows.nodes.library.library import TYPES, library, page_files
from workflows.nodes.library.registry import registry

FAKES = (Path(__file__).parent / "fakes.js").read_text("utf-8")
BINDINGS: dict[str, dict[str, str]] = {
    "KV": {"type": "kv", "id": "kv"},
    "OTHER": {"type": "kv", "id": "other"},
    "DB": {"type": "d1", "id": "db"},
    "BUCKET": {"type": "r2", "name": "bucket"},
    "QUEUE": {"type": "fake", "exportName": "Queue"},
    "AI": {"type": "fake", "exportName": "Ai"},
    "EMAIL": {"type": "fake", "exportName": "Email"},
}
DEFINITIONS: dict[str, Definition] = {
    name: each.type.custom.definition for (name, _), each in library().items() if each.type.custom
}
PAGES = {name: path.read_text("utf-8") for name, path in page_files()}


def all_cases(type_: str) -> list[Case]:
    """Return the cases of a type, and those that every type which calls a service has."""
    own = cases_of(type_)
    calling = next((case for case in own if case.requests and not case.error), None)
    return [*own, *([with_limit(calling), with_secret(calling)] if calling else [])]


def with_limit(case: Case) -> Case:
    """A service that is called too often has not done anything, so every request is repeated."""
    limit = {**case.requests[0], "answer": {"status": 429, "body": {"message": "slow down"}}}
    requests = [limit, *case.requests]
    return replace(case, name="tries again after a rate limit", requests=requests, attempts=2)


def with_secret(case: Case) -> Case:
    """A service that repeats the key in its error."""
    keys = [SECRETS[field.variable] for field in DEFINITIONS[case.type].secrets]
    body = {"message": f"The key {' '.join(keys)} is wrong"}
    refusal = {**case.requests[0], "answer": {"status": 401, "body": body}}
    name = "does not repeat a secret in an error"
    return replace(case, name=name, requests=[refusal], error="401", output=None)


CASES = {type_: all_cases(type_) for type_ in DEFINITIONS}
ALL = [case for cases in CASES.values() for case in cases]
EXAMPLES: dict[str, Example] = {
    name: example for name, page in PAGES.items() for example in examples_of(page)
}


def example_case(type_: str) -> Case:
    """Return the documented run of an example, with its requests."""
    (run,) = EXAMPLES[type_].runs
    requests = [_exchange(request, answer) for request, answer in run.requests]
    payload = json.loads(run.payload)
    return Case(type=type_, name="example", nodes=[], payload=payload, requests=requests)


def _exchange(request: str, answer: str) -> dict[str, Any]:
    method, url, *body = request.split(" ", 2)
    status, _, content = answer.partition(" ")
    own = {"body": json.loads(body[0])} if body else {}
    answered = {"status": int(status), "body": json.loads(content) if content else None}
    return {"method": method, "url": url, **own, "answer": answered}


RUNS = {type_: [*cases, example_case(type_)] for type_, cases in CASES.items()}
"""Everything that runs one after the other for each type; its example comes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The instances by the type and the number of the case."""

    instances: Mapping[tuple[str, int], dict[str, Any]]
    services: Services


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All runs, from one compilation and in one process."""
    documents = {f"Cases{at}": document_of(cases) for at, cases in enumerate(CASES.values())}
    documents |= {f"Page{at}": EXAMPLES[type_].document for at, type_ in enumerate(CASES)}
    modules = compiled(
        documents,
        tmp_path_factory.mktemp("library"),
        types=registry(),
        variables=frozenset(SECRETS),
    )
    runs = {
        (case.type, index): _run(case, at, index)
        for at, cases in enumerate(RUNS.values())
        for index, case in enumerate(cases)
    }
    with serving_services(RUNS) as services:
        results = run_all(
            modules,
            list(runs.values()),
            variables=SECRETS,
            bindings=BINDINGS,
            fakes=FAKES,
            outbound=services.address,
        )
    return Ran(instances=dict(zip(runs, results, strict=True)), services=services)


def _run(case: Case, type_number: int, index: int) -> Run:
    if case.nodes:
        params = {**case.params, "case": index}
        return Run(workflow=f"Cases{type_number}", params=params, lane=case.type)
    return Run(workflow=f"Page{type_number}", params=case.payload, lane=case.type)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_node_does_what_its_case_says(ran: Ran, case: Case) -> None:
    index = CASES[case.type].index(case)
    instance = ran.instances[case.type, index]
    attempts = [step["attempts"] for step in instance["steps"] if step["type"] == "step"]

    if case.error:
        assert case.error in (instance["error"] or {}).get("message", ""), instance["output"]
    else:
        output = filled(case.output, instance["output"], set())
        assert (instance["error"], instance["output"]) == (None, output)
    assert len(attempts[-1]) == case.attempts
    made = ran.services.made.get((case.type, index), [])
    assert differences(case.requests, made) == []
    shown = json.dumps(instance)
    assert [leak for leak in LEAKS if leak in shown] == []


@pytest.mark.parametrize("type_", EXAMPLES)
def test_the_example_on_a_page_does_what_the_page_describes(ran: Ran, type_: str) -> None:
    index, (run,) = len(CASES[type_]), EXAMPLES[type_].runs
    instance = ran.instances[type_, index]
    steps = {
        step["name"].removesuffix("-1"): canonical(json.dumps(step.get("output")))
        for step in instance["steps"]
    }

    assert instance["status"] == "complete", instance["error"]
    assert canonical(json.dumps(instance["output"])) == run.end
    assert list(steps) == [name for name, _, _ in run.steps]
    for name, _, output in run.steps:
        assert not output or steps[name] == output, name
    made = ran.services.made.get((type_, index), [])
    assert differences(RUNS[type_][index].requests, made) == []


def test_no_other_requests_are_made(ran: Ran) -> None:
    assert ran.services.unexpected == []


@pytest.mark.parametrize("type_", DEFINITIONS)
def test_the_folder_of_a_type_is_complete(type_: str) -> None:
    files = {path.name for path in (TYPES / type_).iterdir() if path.is_file()}

    assert files == {"page.md", "cases.json"}
    assert type_ in EXAMPLES
    assert any(node["type"] == type_ for node in EXAMPLES[type_].document["nodes"])
    assert FAST.keys() & {field.name for field in DEFINITIONS[type_].fields} == set()
