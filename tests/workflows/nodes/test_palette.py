"""What node types declare for a palette, and the labels of nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.test_docs import anchors
from tests.workflows.ir.documents import Document, branch, chain, document, node
from tests.workflows.ir.node_jsons import TEMPLATE, definition, types, with_fields
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.compilation.from_document import generate_from_document
from workflows.compilation.type_problems import type_problems
from workflows.documentation.markdown import parsed
from workflows.documentation.pages import pages
from workflows.ir.document.node_labels import MAX_LENGTH, label_of
from workflows.ir.document.node_types import Category, NodeType
from workflows.ir.document.registry import Registry
from workflows.ir.document.step_policy import STEP_FIELDS
from workflows.ir.document.triggers import TRIGGER_TYPES
from workflows.nodes.built_in import BUILT_IN
from workflows.nodes.documents import parse
from workflows.nodes.library.library import library
from workflows.picture.icons import symbols

DOCS = Path(__file__).resolve().parents[3] / "docs"
SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
EVERY_KIND = with_fields(
    text={"required": True, "validation": {"pattern": "^[a-z]{3}$", "minLength": 3}},
    address={"required": True, "placeholder": "a@b.example", "validation": {"format": "email"}},
    count={"type": "number", "required": True, "validation": {"min": 3, "max": 4}},
    flag={"type": "boolean", "required": True},
    size={"type": "select", "options": ["small", "large"], "required": True},
    extras={"type": "multiselect", "options": ["salt"], "required": True},
    rows={"type": "code", "required": True},
    shape={"type": "json", "required": True},
    note={"type": "textarea", "required": True, "default": "hello"},
    optional={"type": "expression"},
)
CUSTOM = types((EVERY_KIND, TEMPLATE))
TYPES = [type_ for name in CUSTOM for type_ in CUSTOM.versions(name).values()]


def with_example(type_: NodeType) -> Document:
    """Return a document with a new node of the type, and a step in each region that it requires."""
    new = node("new", type_.name, **type_.new_data()) | {"version": type_.version}
    required = type_.container.required if type_.container else ()
    inner = [node(f"in_{label}") for label in required]
    edges = [f"new in_{label} {label}" for label in required]
    return document(
        [new, *inner, node("after")], "new after then" if required else "new after", *edges
    )


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_the_example_of_a_type_compiles_without_a_problem(type_: NodeType, tmp_path: Path) -> None:
    module = generate_from_document(with_example(type_), SETTINGS, CUSTOM)

    assert parse(with_example(type_), CUSTOM).problems == ()
    assert [*module.problems, *type_problems(module, tmp_path)] == []


def test_an_example_is_a_copy() -> None:
    (type_,) = (type_ for type_ in BUILT_IN if type_.name == "branch")

    type_.new_data()["branches"].clear()

    assert len(type_.new_data()["branches"]) == 2


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.name)
def test_a_type_states_its_purpose(type_: NodeType) -> None:
    file, _, anchor = type_.docs.partition("#")
    page = pages().get(file.removesuffix(".md"))

    assert type_.summary.endswith(".")
    is_loaded = type_.custom is not None and (type_.name, type_.version) not in library()
    assert (type_.category is Category.CUSTOM) == is_loaded
    assert "://" in file or (page and (not anchor or anchor in parsed(page).anchors))
    assert symbols([type_.icon], uid="x")


@pytest.mark.parametrize("name", TRIGGER_TYPES)
def test_the_example_of_a_trigger_is_valid(name: str) -> None:
    type_ = TRIGGER_TYPES[name]
    page, _, anchor = type_.docs.partition("#")

    assert parse(chain(node("a"), trigger=type_.new_trigger())).problems == ()
    assert not anchor or anchor in anchors(DOCS / page)


LABELS: list[tuple[dict[str, Any], str]] = [
    (node("a", code="// first\n\nimport x from 'y';\n{\n  const n = 1;\n}"), "const n = 1;"),
    (node("a", code="{\n}"), ""),
    (node("a", "transform", expression="// sum\nfirst + 1"), "first + 1"),
    (node("a", "transform", shape="object", values=[{"name": "x", "expression": "1"}]), "x"),
    (node("a", "sleep", duration="2 hours"), "2 hours"),
    (node("a", "sleep", duration=5_400_500), "1 hour 30 minutes 500 ms"),
    (node("a", "sleep", duration="{{ trigger.wait }}"), "{{ trigger.wait }}"),
    (node("a", "sleep_until", timestamp="2030-01-31"), "2030-01-31"),
    (node("a", "wait_for_event", eventType="paid"), "paid"),
    (node("a", "debounce", key="{{ trigger.id }}"), "30 seconds: {{ trigger.id }}"),
    (node("a", "rate_limit", key="mail", limit=5), "5 per 1 minute: mail"),
    (node("a", "human_approval", title="Order {{ trigger.id }}"), "Order {{ trigger.id }}"),
    (node("a", "wait_until", code="return await isReady();"), "return await isReady();"),
    (node("a", "wait_until", check="request", url="https://x.test/a"), "GET https://x.test/a"),
    (node("a", "http_request", url="https://x.test/a"), "GET https://x.test/a"),
    (branch("a", big="n > 1", small=""), "n > 1"),
    (node("a", "parallel"), "waits for all arms"),
    (node("a", "race"), "first arm within 10 minutes"),
    (node("a", "loop", collection="[1, 2]"), "item of [1, 2]"),
    (node("a", "loop", loopType="while", condition="ok"), "while ok"),
    (node("a", "loop", loopType="times", count=3000), "3,000 times"),
    (node("a", "break"), "always"),
    (node("a", "try_catch"), ""),
    (node("a", "sub_workflow", scriptName="other", className="Flow"), "other Flow"),
    (
        node("a", "start_many", workflowId="other", items="{{ trigger.orders }}"),
        "other: {{ trigger.orders }}",
    ),
    (node("a", "sub_script", workerName="other"), "other: POST /"),
    (node("a", "greet", text="{{ trigger.a }}", count=3), "{{ trigger.a }}"),
]


@pytest.mark.parametrize(("item", "label"), LABELS, ids=map(str, range(len(LABELS))))
def test_a_label_summarizes_a_node(item: dict[str, Any], label: str) -> None:
    (node_,) = parse(document([item]), CUSTOM).nodes

    assert label_of(node_) == label


@pytest.mark.parametrize("text", ["xx " * 10_000, "a\u2028b\x01c\u202e", "  a\n\t b "])
def test_a_label_is_one_short_line(text: str) -> None:
    (node_,) = parse(document([node("a", "http_request", url=text)])).nodes

    label = label_of(node_)

    assert len(label) <= MAX_LENGTH
    assert label.isprintable()


def test_the_registry_of_custom_types_has_their_fields() -> None:
    (type_,) = Registry(TYPES).versions("greet").values()

    own = [field.name for field in definition(EVERY_KIND).fields]

    assert [field.name for field in type_.fields] == [
        *own, *(field.name for field in STEP_FIELDS),
    ]  # fmt: skip
