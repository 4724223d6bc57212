"""The rule for names that people choose, and the places where it applies."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.resources.services import name_problem as resource_name_problem
from tests.workflows.editing.editing import edit
from tests.workflows.ir.documents import branch, chain, document, node
from tests.workflows.ir.node_jsons import node_json, problems, with_fields
from workflows.documents.saved_tests.reading import InvalidTests, read_tests
from workflows.editing.document.refusals import Refused
from workflows.ir.reading.bindings import BindingKind
from workflows.ir.reading.names import name_problem
from workflows.nodes.documents import parse

OVERRIDE = "a\u202eb"
MESSAGE = "must not contain the invisible character U+202E"


@pytest.mark.parametrize(
    "name",
    ["x", "Größe 5 €", "\u0645\u200c\u0645", "👩\u200d🚀", "a\u00a0b", "x" * 256, "a\u200fb"],
)
def test_a_name_can_have_all_visible_characters_and_joiners(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "must have 1-256 characters"),
        ("x" * 257, "must have 1-256 characters"),
        ("a\tb", "must not contain the invisible character U+0009"),
        ("a\x9fb", "must not contain the invisible character U+009F"),
        ("\ufeffa", "must not contain the invisible character U+FEFF"),
        ("a\u2066b", "must not contain the invisible character U+2066"),
        (OVERRIDE, MESSAGE),
        ("a\nb", "must be on one line"),
        ("a\u2028b", "must be on one line"),
        ("\u200b", "must have a visible character"),
        ("\u3000 ", "must have a visible character"),
    ],
)
def test_a_name_without_a_visible_line_of_text_is_a_problem(name: str, problem: str) -> None:
    assert name_problem(name) == problem


def _named(label: str) -> dict[str, Any]:
    arms = branch("choose", **{label: "1"})
    return document([arms, node("a")], f"choose a {label}")


@pytest.mark.parametrize(
    "value",
    [
        chain(
            node("a", name=OVERRIDE), metadata={**chain(node("a"))["metadata"], "name": OVERRIDE}
        ),
        chain(node(OVERRIDE)),
        _named(OVERRIDE),
        _named("two\nlines"),
        document([node("p", "parallel"), node("a"), node("b")], f"p a {OVERRIDE}", "p b"),
    ],
)
def test_a_document_made_elsewhere_may_have_other_odd_names(value: Any) -> None:
    assert [problem for problem in parse(value).problems if problem.is_error] == []


TYPES: dict[str, tuple[Any, str]] = {
    "its name": (node_json(name=OVERRIDE), "name"),
    "its category": (node_json(category=OVERRIDE), "category"),
    "a tag": (node_json(tags=["x", OVERRIDE]), "tags.1"),
    "its author": (node_json(author=OVERRIDE), "author"),
    "its license": (node_json(license=OVERRIDE), "license"),
    "a setting": (with_fields(a={"label": OVERRIDE}), "configSchema.a.label"),
}


@pytest.mark.parametrize("what", TYPES)
def test_a_node_type_cannot_have_names_that_hide_something(what: str) -> None:
    value, path = TYPES[what]

    assert problems(value) == [f"{path}: {MESSAGE}"]


def test_a_saved_test_cannot_have_a_name_that_hides_something() -> None:
    with pytest.raises(InvalidTests, match=MESSAGE.replace("+", r"\+")):
        read_tests([{"name": OVERRIDE}])


def test_a_namespace_cannot_have_a_name_that_hides_something() -> None:
    assert resource_name_problem(BindingKind.KV, OVERRIDE)
    assert not resource_name_problem(BindingKind.KV, "Sessions of users")


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [("rename", {"node": "choose", "name": OVERRIDE}),
     ("rename_arm", {"node": "choose", "region": 0, "label": OVERRIDE}),
     ("add", {"node_type": "step", "name": OVERRIDE, "slot": {"after": "choose"}})],
)  # fmt: skip
def test_an_edit_cannot_hide_something_in_a_name(operation: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="invisible character"):
        edit(_named("yes"), operation, **arguments)
