"""AwaitStep's documents do the same here: each is imported, compiled and run in workerd."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from audit.trail import SYSTEM
from tests.support.http_server import JSON, Handler, serving
from tests.workflows.codegen.modules import generated
from tests.workflows.documents.awaitstep.documents import (
    ADDRESSES,
    RUNS,
    VARIABLES,
    Expected,
    document,
    entry_code,
    names,
)
from tests.workflows.ir.documents import chain, node
from tests.workflows.programs.harness.workers import Run, run_all
from workflows.compilation.typescript import compile_modules
from workflows.documents.awaitstep.conversion import Converted, convert
from workflows.draft_problems import draft_problems
from workflows.exchange.candidates import Upload, prepare
from workflows.exchange.imports import import_new
from workflows.nodes.library.registry import registry
from workflows.services import set_variable

CHILDREN = {"CHILD_BILLING_WORKER": "Invoice", "CHILD_ARCHIVE_WORKER": "Archive"}
SERVICES = ["CHILD_PRICE_LOOKUP"]
OTHERS = {
    "Invoice": chain(
        node("a", code="return { number: `${event.payload.month}-${event.payload.customer}` };")
    ),
    "Archive": chain(node("a", code="return event.payload.last;")),
    "Prices": chain(
        node("price", name="EXPORT_price", code="return event.payload.shop === 'north' ? 9 : 14;"),
        node("shop", name="EXPORT_shop", code="return event.payload.shop;"),
        kind="script",
        trigger={"type": "http"},
    ),
}


class Apis(Handler):
    """All APIs that the documents call: Slack's, and one that answers with what was sent."""

    def do_GET(self) -> None:
        sent = self.read_body()
        answer: dict[str, Any] = {"ok": True, "channel": "C1", "ts": "1.5"}
        if "chat.postMessage" not in self.path:
            answer = {
                "method": self.command,
                "path": self.path,
                "authorization": self.headers["authorization"],
                "secret": self.headers["x-secret"],
                "sent": json.loads(sent) if sent else None,
            }
        self.respond(200, json.dumps(answer).encode(), JSON)

    do_POST = do_PUT = do_GET


def converted(name: str) -> Converted:
    return convert(document(name), registry(), entry_code=entry_code(name))


def class_name(name: str) -> str:
    return "".join(word.title() for word in name.split("-"))


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """The variables, with the address of the APIs."""
    with serving(Apis) as address:
        yield {**VARIABLES, **dict.fromkeys(ADDRESSES, address)}


@pytest.fixture(scope="module")
def modules(variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The JavaScript of all documents, and of the Workers that they call."""
    types = registry()
    sources = {
        f"{class_name(name)}.ts": generated(
            found.document,
            types,
            class_name=class_name(name),
            entry_code=found.entry_code or "",
            variables=frozenset(variables),
        ).source
        for name in names()
        for found in [converted(name)]
    }
    sources |= {
        f"{name}.ts": generated(other, class_name=name).source for name, other in OTHERS.items()
    }
    compiled = compile_modules(sources, tmp_path_factory.mktemp("awaitstep"))
    return {Path(name).stem: code for name, code in compiled.items()}


@pytest.fixture(scope="module")
def results(modules: dict[str, str], variables: dict[str, str]) -> list[dict[str, Any]]:
    """The runs of the documents, in the order of RUNS."""
    runs = [
        Run(workflow=class_name(run.document), params=run.payload, event=run.event) for run in RUNS
    ]
    return run_all(
        modules,
        runs,
        variables=variables,
        children=CHILDREN,
        services=SERVICES,
        outbound=variables["SHOP_API"],
    )


@pytest.mark.parametrize("name", names())
def test_a_document_is_taken_over_without_errors(name: str) -> None:
    found = converted(name)

    assert [str(problem) for problem in found.problems if problem.is_error] == []
    assert found.rewrites


@pytest.mark.long
@pytest.mark.parametrize(
    "at", range(len(RUNS)), ids=[f"{run.document}-{at}" for at, run in enumerate(RUNS)]
)
def test_a_run_has_the_output_that_the_document_means(
    results: list[dict[str, Any]], at: int
) -> None:
    expected: Expected = RUNS[at]

    assert results[at].get("output") == expected.output, results[at].get("error")


def test_every_document_is_run() -> None:
    assert {run.document for run in RUNS} | {"script"} == set(names())


def test_the_body_of_fetch_starts_a_run(modules: dict[str, str], variables: dict[str, str]) -> None:
    start = {"method": "POST", "path": "/expenses", "body": '{"amount": 1}'}
    runs = [
        Run(workflow="Approval", request=start),
        Run(workflow="Approval", request=start | {"path": "/other"}),
    ]

    answers = run_all(modules, runs, variables=variables, children=CHILDREN, services=SERVICES)

    assert [answer["status"] for answer in answers] == [202, 404]
    assert json.loads(answers[0]["text"]) == {"started": True}


def test_an_annotated_fetch_answers_requests(
    modules: dict[str, str], variables: dict[str, str]
) -> None:
    request = {"method": "POST", "path": "/", "body": '{"type": "other"}'}
    signed = request | {"headers": {"x-signature": "s-1"}}
    runs = [Run(workflow="Webhook", request=each) for each in (signed, request)]

    answers = run_all(modules, runs, variables=variables, children=CHILDREN, services=SERVICES)

    assert json.loads(answers[0]["text"]) == {"accepted": True, "started": True}
    assert (answers[1]["status"], answers[1]["text"]) == (401, "@fetch this")


def test_annotated_functions_consume_their_queues(
    modules: dict[str, str], variables: dict[str, str]
) -> None:
    body = "eyJza3UiOiAibXVnIiwgImNvdW50IjogM30="
    batches = [
        {"queue": queue, "messages": [{"id": "a1", "body": body}]}
        for queue in ("stock-orders", "returns")
    ]
    runs = [
        Run(
            workflow="QueueConsumer",
            request={"method": "POST", "calls": "queue", "body": json.dumps(batch)},
        )
        for batch in batches
    ]

    ordered, returned = run_all(
        modules, runs, variables=variables, children=CHILDREN, services=SERVICES
    )

    assert ordered["done"] == ["ack a1"]
    assert [run["output"] for run in ordered["runs"]] == ["reserved 3 of mug"]
    assert (returned["done"], returned["runs"]) == (["retry a1"], [])


def test_the_config_of_a_queue_becomes_a_deploy_setting() -> None:
    settings = converted("queue-consumer").settings({"logpush": True})

    assert settings == {
        "logpush": True,
        "queueConsumers": [
            {
                "queue": "stock-orders",
                "maxBatchSize": 20,
                "maxBatchTimeout": 5,
                "maxRetries": 4,
                "deadLetterQueue": "stock-orders-dead",
                "maxConcurrency": 2,
            },
            {"queue": "returns"},
        ],
    }


def test_a_script_responds_with_the_names_that_its_steps_share(
    modules: dict[str, str], variables: dict[str, str]
) -> None:
    prices = [[10, 20, 70], [10, 20]]
    requests = [
        {"method": "POST", "path": "/", "body": json.dumps({"prices": each})} for each in prices
    ]
    runs = [Run(workflow="Script", request=request) for request in requests]

    answers = run_all(modules, runs, variables=variables, children=CHILDREN, services=SERVICES)

    assert [json.loads(answer["text"]) for answer in answers] == [
        {"total": 108, "text": "3 items: 108"},
        {"total": 36, "text": "2 items: 36"},
    ]


@pytest.mark.django_db
def test_the_documents_can_be_deployed_after_the_import() -> None:
    for name, value in VARIABLES.items():
        set_variable(name, value)
    imported = {}
    for name in names():
        upload = Upload(name=name, data=json.dumps(document(name)).encode())
        preparation = prepare([upload], entry_code=entry_code(name), may_load_types=False)
        (imported[name],) = import_new(preparation, by=SYSTEM)

    errors = [
        f"{name}: {problem}"
        for name, workflow in imported.items()
        for problem in draft_problems(workflow)
        if problem.is_error
    ]

    assert errors == []
