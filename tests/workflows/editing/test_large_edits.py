"""Operations on documents at the limits of their size."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from tests.workflows.editing.editing import after, edit, outline, start
from tests.workflows.ir.documents import Document, chain, node
from workflows.editing import structure
from workflows.editing.arguments import Arguments
from workflows.editing.document.refusals import Refused
from workflows.editing.document.workbench import OpenDocument, Workbench
from workflows.editing.slots import slots_for
from workflows.ir.document.model import MAX_NODES
from workflows.ir.validation.validate import MAX_BYTES
from workflows.nodes.built_in import NODE_TYPES

LARGE = "/" + "*" * 240_000 + "/"


def equal_nodes(count: int) -> Document:
    return chain(*[node(f"n{number}", name="Same") for number in range(count)])


def lines_run(work: Callable[[], object]) -> int:
    """Return how many lines and iterations of loops the work takes."""
    count = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def test_copies_do_not_make_a_document_too_large() -> None:
    flow = chain(*[node(f"n{number}", code=LARGE) for number in range(10)])
    ids = [item["id"] for item in flow["nodes"]]

    with pytest.raises(Refused, match="larger than 4 MB"):
        edit(flow, "duplicate", nodes=ids)
    with pytest.raises(Refused, match="larger than 4 MB"):
        edit(flow, "configure", node="n0", field="data.note", value="x" * MAX_BYTES)


def test_a_document_that_is_too_large_can_be_made_smaller() -> None:
    flow = chain(*[node(f"n{number}", code=LARGE) for number in range(20)])

    assert len(edit(flow, "delete", nodes=["n0"]).document["nodes"]) == 19
    with pytest.raises(Refused, match="larger than 4 MB"):
        edit(flow, "duplicate", nodes=["n0"])


def test_copies_do_not_make_a_document_exceed_its_number_of_nodes() -> None:
    flow = equal_nodes(MAX_NODES // 2 + 1)

    with pytest.raises(Refused, match="at most 10000 nodes"):
        edit(flow, "duplicate", nodes=[item["id"] for item in flow["nodes"]])


@pytest.mark.parametrize(
    ("type_", "arguments"),
    [
        ("delete", {}),
        ("move", {"slot": start()}),
        ("duplicate", {}),
        ("wrap", {"node_type": "loop"}),
        ("paste", {"slot": after("n0")}),
    ],
)
def test_the_work_grows_with_the_number_of_nodes(type_: str, arguments: dict[str, Any]) -> None:
    def work(count: int) -> int:
        flow = equal_nodes(count)
        bench = Workbench(OpenDocument(flow, NODE_TYPES))
        ids = [item["id"] for item in flow["nodes"]][count // 2 :]
        operation = Arguments({"nodes": ids, "fragment": flow, **arguments})
        return lines_run(lambda: getattr(structure, type_)(bench, operation))

    assert work(800) < 3 * work(400)


def test_the_work_to_find_slots_grows_with_the_number_of_nodes() -> None:
    def work(count: int) -> int:
        readers = [node(f"r{number}", code="return a;") for number in range(count)]
        flow = chain(node("a"), *[node(f"n{number}") for number in range(count)], *readers)
        opened = OpenDocument(flow, NODE_TYPES)
        assert len(opened.needs["r0"].outputs) == 1
        return lines_run(lambda: slots_for(opened, ["a"]))

    assert work(400) < 3 * work(200)


def test_many_uses_of_a_name_are_replaced_in_one_pass() -> None:
    uses = 3_000
    code = "/* é */ return [" + "n0.from, {{ n0.from }}, " * uses + "];"
    flow = chain(node("n0"), node("n1", code=code))

    result = edit(flow, "set_id", node="n0", id="other").document

    assert result["nodes"][1]["data"]["code"] == code.replace("n0", "other")


def test_a_pasted_node_keeps_its_id_unless_another_one_has_it() -> None:
    flow = chain(node("a", name="A"))
    fragment = chain(node("a2", name="A 2"), node("a", name="A"))

    assert outline(edit(flow, "paste", fragment=fragment, slot=after("a")).document) == "a a2 a3"
