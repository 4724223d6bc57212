"""`${...}` and display names in text and JSON settings become references."""

from __future__ import annotations

from typing import Any

import pytest

from tests.workflows.codegen.modules import generated
from tests.workflows.ir.documents import Document, chain, node
from workflows.documents.awaitstep.conversion import Converted, convert
from workflows.nodes.built_in import NODE_TYPES


def _order(**settings: Any) -> Document:
    settings = {"url": "https://x.test"} | settings
    return chain(
        node("check", name="Check stock", code="return { total: 5, id: `${event.payload.id}` };"),
        node("charge", "http_request", method="POST", **settings),
    )


def as_imported(document: Document) -> Document:
    imported: Document = convert(document, NODE_TYPES).document
    return imported


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
        ({"url": "https://x.test/${Check_stock.id}"}, {"url": "https://x.test/{{ check.id }}"}),
        ({"url": "https://x.test/{{Check_stock.list[0].id}}"}, {"url": "https://x.test/{{ check.list[0].id }}"}),
        ({"url": "https://x.test/${(check!.list)[0]['id']}"}, {"url": "https://x.test/{{ check.list[0].id }}"}),
        ({"url": "https://x.test/`\\${env.A}`"}, {"url": "https://x.test/`\\{{ env.A }}`"}),
        ({"url": "https://x.test/$${{ check.id }}"}, {"url": "https://x.test/$${{ check.id }}"}),
        ({"url": "https://x.test/${env.A"}, {"url": "https://x.test/${env.A"}),
        ({"url": "https://x.test/${check.list.map((one) => `${one}`)}"}, {"url": "https://x.test/${check.list.map((one) => `${one}`)}"}),
        ({"timeout": "${env.TIME}"}, {"timeout": "{{ env.TIME }}"}),
        ({"retryDelay": "${check.pause}"}, {"retryDelay": "{{ check.pause }}"}),
    ],
)  # fmt: skip
def test_placeholders_become_references_on_import(
    written: dict[str, Any], expected: dict[str, Any]
) -> None:
    document = _order(**written)

    imported = as_imported(document)

    assert {key: _charge(imported)[key] for key in expected} == expected
    assert imported["nodes"][0] == document["nodes"][0]


def test_code_in_a_text_that_uses_a_node_by_name_is_reported() -> None:
    found = convert(_order(url="https://x.test/${Check_stock.id + 1}/${HOME}"), NODE_TYPES)

    assert [str(problem) for problem in found.problems] == [
        "nodes.charge.data.url: ${Check_stock.id + 1} is only text here: compute the value in a step, and "
        "refer to its output"
    ]


def test_a_date_with_a_placeholder_is_text_and_an_expression_is_code() -> None:
    document = chain(
        node("a", code="return { day: '2030-01-01' };"),
        node("b", "sleep_until", timestamp="${a.day}T12:00:00Z"),
        node("c", "sleep_until", timestamp="new Date(`${a.day}T12:00:00Z`)"),
    )

    imported = as_imported(document)

    written = [item["data"]["timestamp"] for item in imported["nodes"][1:]]
    assert written == ["{{ a.day }}T12:00:00Z", "new Date(`${a.day}T12:00:00Z`)"]


def test_settings_beside_the_data_are_rewritten_too() -> None:
    document = _order()
    document["nodes"][1]["config"] = {"retries": {"delay": "${check.pause}"}, "timeout": "1 minute"}

    imported = as_imported(document)

    assert imported["nodes"][1]["config"]["retries"]["delay"] == "{{ check.pause }}"


def test_every_change_is_reported_once_with_its_node() -> None:
    document = _order(url="https://x.test/${env.A}/${env.A}", headers={"k": "${env.KEY}"})
    found: Converted = convert(document, NODE_TYPES)

    assert [str(rewrite) for rewrite in found.rewrites] == [
        "nodes.charge.data.url: ${env.A} is now {{ env.A }}",
        "nodes.charge.data.headers: ${env.KEY} is now {{ env.KEY }}",
    ]


def test_placeholders_that_remain_are_warnings_on_their_field() -> None:
    module = generated(
        _order(headers={"k": "${env.KEY}", "l": "${check.total + 1}", "m": "${HOME}"})
    )

    assert [str(problem) for problem in module.problems] == [
        "nodes.charge.data.headers: ${env.KEY} is only text here: write {{ env.KEY }}",
        "nodes.charge.data.headers: ${check.total + 1} is only text here: write a reference to the "
        "output of a step",
    ]
