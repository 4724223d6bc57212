from __future__ import annotations

from tests.workflows.ir.documents import Document, document, node
from workflows.ir.tree.scope_names import scope_names
from workflows.nodes.documents import parse

NESTED = document(
    [
        node("first", name="Load"),
        node("each", "loop", collection="[1]", itemVar="order", name="Each"),
        node("guard", "try_catch"),
        node("ask", "http_request", url="https://x.test"),
        node("pause", "sleep", duration="1 second"),
        node("rescue"),
        node("again", "loop", loopType="while", condition="i < 3", indexVar="n"),
        node("inner"),
        node("last"),
    ],
    "first each", "each guard body", "guard ask try", "ask pause", "guard rescue catch", "each again then",
    "again inner body", "again last then",
)  # fmt: skip


def names(ir_document: Document, node_id: str) -> list[str]:
    parsed = parse(ir_document)
    return [name.name for name in scope_names(parsed.ir or parsed.draft, node_id)]


def test_names_in_scope_are_those_that_a_reference_can_use() -> None:
    roots = ["trigger", "event", "env"]

    assert names(NESTED, "first") == roots
    assert names(NESTED, "ask") == ["order", "i", "first", *roots]
    assert names(NESTED, "rescue") == ["err", "order", "i", "ask", "first", *roots]
    assert names(NESTED, "again") == ["n", "inner", "rescue", "ask", "each", "first", *roots]
    assert names(NESTED, "last") == ["inner", "again", "rescue", "ask", "each", "first", *roots]


def test_names_have_a_title_and_a_type() -> None:
    found = {name.name: name for name in scope_names(parse(NESTED).ir, "rescue")}

    assert (found["ask"].title, found["ask"].type) == ("ask", "HttpResponse")
    assert (found["first"].title, found["first"].type) == ("Load", "")
    assert (found["order"].title, found["err"].type) == ("Variable of Each", "any")


def test_a_name_of_a_loop_hides_a_node_and_a_node_hides_a_root() -> None:
    hidden = document(
        [node("event"), node("item"), node("each", "loop", collection="[1]"), node("in")],
        "event item", "item each", "each in body",
    )  # fmt: skip

    assert names(hidden, "in") == ["item", "i", "event", "trigger", "env"]


def test_a_draft_with_errors_in_its_settings_has_names() -> None:
    broken = document([node("a"), node("b", "sleep", duration="1 eon")], "a b")

    assert names(broken, "b") == ["a", "trigger", "event", "env"]


def test_without_a_tree_only_the_roots_are_known() -> None:
    assert names(document([node("a"), node("b")], "a b", "b a"), "b") == ["trigger", "event", "env"]
