"""The JSON Schema of each type: it accepts what the reader accepts, and refuses clear mistakes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.workflows.ir.documents import document, node
from tests.workflows.ir.valid_documents import pool
from tests.workflows.nodes.test_palette import CUSTOM, TYPES
from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages
from workflows.ir.document.node_types import NodeType
from workflows.ir.document.settings_schema import settings_schema
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.nodes.documents import parse

BY_NAME = {type_.name: type_ for type_ in TYPES}


def errors(type_: NodeType, data: Any) -> list[str]:
    validator = Draft202012Validator(settings_schema(type_))
    return [error.message for error in validator.iter_errors(data)]


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_the_schema_is_valid_and_accepts_the_example(type_: NodeType) -> None:
    schema = settings_schema(type_)

    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert errors(type_, type_.new_data()) == []
    assert list(schema["properties"]) == [field.name for field in type_.fields]


def test_the_schemas_accept_all_valid_documents() -> None:
    blocks = [block for page in pages().values() for block in parsed(page).documents]
    documents = [*pool(), *(block.document for block in blocks if block.document)]
    nodes = [item for ir_document in documents for item in ir_document["nodes"]]

    refused = [(item["type"], errors(BY_NAME[item["type"]], item["data"])) for item in nodes]

    assert [row for row in refused if row[1]] == []


MISTAKES: list[tuple[str, dict[str, Any]]] = [
    ("step", {}),
    ("step", {"code": ""}),
    ("step", {"code": "return 1;", "retryLimit": -1}),
    ("step", {"code": "return 1;", "retryLimit": "3"}),
    ("step", {"code": "return 1;", "backoff": "wild"}),
    ("step", {"code": "return 1;", "timeout": "1 eon"}),
    ("step", {"code": "return 1;", "timeout": 0}),
    ("http_request", {"url": 5}),
    ("http_request", {"url": "https://x.test", "headers": []}),
    ("wait_for_event", {"eventType": "a b"}),
    ("loop", {}),
    ("loop", {"loopType": "forEach"}),
    ("branch", {"branches": []}),
    ("branch", {"branches": [{"condition": "x"}]}),
    ("greet", EXAMPLE := {**BY_NAME["greet"].new_data(), "count": 9}),
    ("greet", EXAMPLE | {"count": 3, "size": "huge"}),
]  # fmt: skip


@pytest.mark.parametrize("case", range(len(MISTAKES)))
def test_a_mistake_is_refused_by_the_schema_and_the_reader(case: int) -> None:
    name, data = MISTAKES[case]
    item = node("a", "step") | {"type": name, "data": data}

    assert errors(BY_NAME[name], data)
    assert any(problem.is_error for problem in parse(document([item]), CUSTOM).problems)


@pytest.mark.parametrize("name", TRIGGER_TYPES)
def test_the_schema_of_a_trigger_accepts_its_example(name: str) -> None:
    type_ = TRIGGER_TYPES[name]

    assert [*Draft202012Validator(settings_schema(type_)).iter_errors(dict(type_.example))] == []
