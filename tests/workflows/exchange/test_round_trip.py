"""What is exported can be imported again: nothing is lost, and a second export has the same bytes."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from random import Random
from typing import Any
from zipfile import ZipFile

import pytest

from audit.trail import SYSTEM
from tests.support.examples import examples
from tests.workflows.ir.documents import chain, node
from tests.workflows.ir.node_jsons import TEMPLATE, node_json
from tests.workflows.ir.valid_documents import pool
from workflows.documents.archive.writing import write
from workflows.exchange import candidates
from workflows.exchange.candidates import Preparation, Upload, prepare
from workflows.exchange.exports import archive_of, export
from workflows.exchange.imports import import_new
from workflows.models import DeclaredBinding, EnvironmentVariable, NodeType, Workflow
from workflows.node_types.registered import snapshot
from workflows.services import import_document, set_variable

pytestmark = pytest.mark.django_db

NAMES = [
    "Order",
    "order",
    "Größe & Co.",
    "con",
    "日本",
    "a/../b",
    "...",
    "Order",
    "x" * 200,
    "node-types",
]
ENTRY_CODES = ["", "export function fetch() {\r\n  return new Response('ä\u2028');\r\n}", "\n"]
SETTINGS = [{}, {"cronTriggers": ["0 3 * * *"], "logpush": True, "limits": {"cpuMs": 50}}]
BINDINGS = [{}, {"STORE": "kv", "ARCHIVE": "r2"}]
PACKAGES = [{}, {"zod": "4.1.0", "@scope/b": "^1.0.0"}]


@pytest.fixture(autouse=True)
def _without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "module_problems", lambda module: list(module.problems))


def make(document: Any, name: str = "", **parts: Any) -> Workflow:
    """Save a workflow; `bindings` are declared."""
    bindings = parts.pop("bindings", {})
    workflow = import_document(document)
    Workflow.objects.filter(pk=workflow.pk).update(name=name or workflow.name, **parts)
    for binding, kind in bindings.items():
        DeclaredBinding.objects.create(workflow=workflow, name=binding, kind=kind)
    return Workflow.objects.get(pk=workflow.pk)


def loaded_type(id_: str = "greet") -> None:
    value = node_json(id_)
    names = {"type_id": id_, "version": value["version"], "name": value["name"]}
    NodeType.objects.create(**names, definition=value, template=TEMPLATE)


def exported() -> bytes:
    return export(Workflow.objects.all(), by=SYSTEM).data


def prepared(data: bytes, *, may_load_types: bool = True) -> Preparation:
    return prepare([Upload(name="a.zip", data=data)], may_load_types=may_load_types)


def content(workflow: Workflow) -> str:
    """Return everything that an export contains, as text that is equal only for equal JSON."""
    parts = {"name": workflow.name, "description": workflow.description, **workflow.content}
    document = json.dumps(parts.pop("ir"), ensure_ascii=False)
    return json.dumps([parts, document], ensure_ascii=False, sort_keys=True)


@pytest.mark.parametrize("seed", range(examples(4, 60)))
def test_an_empty_installation_gets_the_same_content(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - the same every time
    for document in random.sample(pool(), 5):
        make(
            document,
            name=random.choice(NAMES),
            description=random.choice(["", "Charges\n\ncards"]),
            entry_code=random.choice(ENTRY_CODES),
            dependencies=random.choice(PACKAGES),
            deploy_settings=random.choice(SETTINGS),
            bindings=random.choice(BINDINGS),
        )
    before, data = sorted(map(content, Workflow.objects.all())), exported()
    Workflow.objects.all().delete()

    import_new(prepared(data), by=SYSTEM)

    assert sorted(map(content, Workflow.objects.all())) == before
    assert exported() == data


def test_workflows_of_an_export_call_each_other_after_the_import() -> None:
    child = make(chain(node("a")), name="Child")
    script = make(chain(node("a"), kind="script", trigger={"type": "http"}), name="Script")
    parent = make(
        chain(
            node("b", "sub_workflow", workflowId=child.pk),
            node("c", "sub_script", workerName=script.pk),
            node("d", "sub_workflow", workflowId="elsewhere"),
            node("e", "sub_workflow", scriptName=child.pk, className="Child"),
            node("f", "start_many", workflowId=child.pk, items="[1]"),
        ),
        name="Parent",
    )
    outside = parent.ir["nodes"][3]["data"]
    data = exported()
    Workflow.objects.all().delete()

    import_new(prepared(data), by=SYSTEM)

    ids = {workflow.name: workflow.pk for workflow in Workflow.objects.all()}
    calls = [item["data"] for item in Workflow.objects.get(name="Parent").ir["nodes"]]
    assert calls == [
        {"workflowId": ids["Child"]},
        {"workerName": ids["Script"]},
        {"workflowId": "elsewhere"},
        outside,
        {"workflowId": ids["Child"], "items": "[1]"},
    ]
    assert child.pk not in ids.values()
    assert exported() == data


def test_node_types_come_with_the_workflows_that_use_them() -> None:
    loaded_type()
    make(chain(node("a", "greet")))
    data = exported()
    Workflow.objects.all().delete()
    NodeType.objects.all().delete()

    assert not prepared(data, may_load_types=False).can_be_imported
    import_new(prepared(data), by=SYSTEM)

    assert [row.type_id for row in NodeType.objects.all()] == ["greet"]
    assert exported() == data


def test_types_of_the_library_come_along_but_are_not_loaded() -> None:
    make(chain(node("a", "slack", channel="C1", text="b")))
    data = exported()
    Workflow.objects.all().delete()

    with ZipFile(io.BytesIO(data)) as file:
        assert "node-types/slack/1.0.0/template.ts" in file.namelist()
    import_new(prepared(data, may_load_types=False), by=SYSTEM)

    assert not NodeType.objects.exists()
    assert exported() == data


def test_a_type_of_the_library_with_other_content_is_refused() -> None:
    make(chain(node("a", "slack", channel="C1", text="b")))
    archive = archive_of(Workflow.objects.all())
    changed = replace(archive.types[0], template="export default async () => 1;")

    preparation = prepared(write(replace(archive, types=(changed,))))

    assert not preparation.can_be_imported
    assert "slack 1.0.0 comes with AwaitStep with different content" in preparation.problems[0]


def test_a_type_that_was_loaded_precedes_that_of_the_library() -> None:
    loaded_type("slack")

    workflow = make(chain(node("a", "slack")))

    assert [each["template"] for each in snapshot(workflow.ir)] == [TEMPLATE]
    assert exported() == exported()
    assert prepared(exported()).can_be_imported


def test_an_export_names_variables_but_contains_no_values() -> None:
    slack = node("b", "slack", channel="{{ env.CHANNEL }}", text="b")
    cache = node("c", "kv_get", binding="CACHE", key="b")
    workflow = make(
        chain(
            node("a", code="return [env.API_KEY, env.MY_DB, env.STORE, env.DB_PASSWORD];"),
            slack,
            cache,
        ),
        bindings={"STORE": "kv"},
    )
    for name in ("API_KEY", "CHANNEL", "DB_PASSWORD"):
        set_variable(name, f"hidden {name}", workflow=workflow, is_secret=name == "API_KEY")
    data = exported()

    with ZipFile(io.BytesIO(data)) as file:
        files = {name: file.read(name).decode() for name in file.namelist()}

    assert json.loads(files["workflows/test/variables.json"]) == {
        "API_KEY": "variable",
        "CACHE": "kv",
        "CHANNEL": "variable",
        "DB_PASSWORD": "d1",
        "MY_DB": "d1",
        "SLACK_BOT_TOKEN": "secret",
    }
    assert not any("hidden" in text or workflow.pk in text for text in files.values())
    EnvironmentVariable.objects.all().delete()
    assert exported() == data


def test_the_files_of_an_export_are_readable_and_in_order() -> None:
    make(chain(node("a")), name="Second", entry_code="export function fetch() {}\n")
    make(chain(node("a")), name="First", bindings={"STORE": "kv"})

    with ZipFile(io.BytesIO(exported())) as file:
        names = file.namelist()
        document = file.read("workflows/first/document.ir.json").decode()

    assert names == [
        "awaitstep-export.json",
        "workflows/first/workflow.json",
        "workflows/first/document.ir.json",
        "workflows/first/bindings.json",
        "workflows/second/workflow.json",
        "workflows/second/document.ir.json",
        "workflows/second/entry-code.ts",
    ]
    assert document.startswith('{\n  "metadata": {\n    "name": "test"')


@pytest.mark.parametrize(
    "document",
    [
        {"nodes": []},
        {"nodes": [{"id": "a", "type": "teleport", "version": "1.0.0", "data": 1}], "edges": 5},
        {"nodes": [node("a", code="return )"), node("a", code="x" * 300_000)]},
        [],
    ],
)
def test_a_draft_that_is_not_valid_can_still_be_exported(document: Any) -> None:
    make(chain(node("a")), ir=document, entry_code="export {")

    data = exported()

    assert exported() == data
    assert not prepared(data).can_be_imported
