"""Documents from other products: `${...}` in text and JSON becomes a reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, chain, node
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.imported import as_imported
from workflows.services import import_document


def _order(**settings: Any) -> Document:
    settings = {"url": "https://x.test"} | settings
    return chain(
        node("check", code="return { total: 5, id: `${event.payload.id}` };"),
        node("charge", "http_request", method="POST", **settings),
    )


def _charge(document: Document) -> dict[str, Any]:
    data: dict[str, Any] = document["nodes"][1]["data"]
    return data


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"url": "${env.SHOP}/orders/${event.payload.id}"}, {"url": "{{ env.SHOP }}/orders/{{ event.payload.id }}"}),
        ({"headers": {"Authorization": "Bearer ${env.TOKEN}"}}, {"headers": {"Authorization": "Bearer {{ env.TOKEN }}"}}),
        ({"headers": '{"a": "${ env.TOKEN }"}'}, {"headers": '{"a": "{{ env.TOKEN }}"}'}),
        ({"queryParams": {"${check.id}": "${check?.total}"}}, {"queryParams": {"{{ check.id }}": "{{ check.total }}"}}),
        ({"body": {"lines": [{"n": "${check.total}"}]}}, {"body": {"lines": [{"n": "{{ check.total }}"}]}}),
        ({"body": '{"total": ${check.total}}'}, {"body": '{"total": {{ check.total }}}'}),
        ({"body": "`${check.total}`"}, {"body": "`${check.total}`"}),
        ({"url": "https://x.test/${HOME}"}, {"url": "https://x.test/${HOME}"}),
        ({"url": "https://x.test/${env.A || 1}"}, {"url": "https://x.test/${env.A || 1}"}),
        ({"url": "https://x.test/${charge.status}"}, {"url": "https://x.test/${charge.status}"}),
    ],
)  # fmt: skip
def test_placeholders_become_references_on_import(
    written: dict[str, Any], expected: dict[str, Any]
) -> None:
    document = _order(**written)

    imported = as_imported(document, NODE_TYPES)

    assert {key: _charge(imported)[key] for key in expected} == expected
    assert imported["nodes"][0] == document["nodes"][0]


@pytest.mark.django_db
def test_an_import_saves_the_references() -> None:
    workflow = import_document(_order(headers={"k": "${env.KEY}"}))

    assert _charge(workflow.ir)["headers"] == {"k": "{{ env.KEY }}"}


def test_placeholders_that_remain_are_warnings_on_their_field() -> None:
    module = generated(
        _order(headers={"k": "${env.KEY}", "l": "${check.total + 1}", "m": "${HOME}"})
    )

    assert [str(problem) for problem in module.problems] == [
        "nodes.charge.data.headers: ${env.KEY} is only text here: write {{ env.KEY }}",
        "nodes.charge.data.headers: ${check.total + 1} is only text here: write a reference to the "
        "output of a step",
    ]
