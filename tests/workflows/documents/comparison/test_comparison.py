"""What differs between two contents, and how it is described."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.workflows.documents.comparison.contents import content
from tests.workflows.ir.documents import branch, chain, document, node
from workflows.documents.comparison.comparison import Comparison, compare
from workflows.documents.comparison.marks import pictures
from workflows.documents.comparison.nodes import Kind
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.operations import perform
from workflows.nodes.built_in import NODE_TYPES

Document = dict[str, Any]


def flow() -> Document:
    return chain(node("load", name="Load"), node("charge", name="Charge"), node("end", name="End"))


def edited(document: Document, *operations: Document) -> Document:
    for operation in operations:
        document = perform(OpenDocument(document, NODE_TYPES), operation).document
    return document


def differences(before: Document, after: Document, **changes: Any) -> Comparison:
    return compare(content(before), content(after, **changes))


def described(found: Comparison) -> list[tuple[str, str]]:
    return [(each.name, ", ".join(each.kinds)) for each in found.nodes]


def test_added_and_removed_nodes_are_listed_where_they_are() -> None:
    add = {"type": "add", "node_type": "sleep", "name": "Pause", "slot": {"after": "load"}}
    delete = {"type": "delete", "nodes": ["end"]}

    found = differences(flow(), edited(flow(), add, delete))

    assert described(found) == [("Pause", "added"), ("End", "removed")]
    pause, end = found.nodes
    assert (pause.place, pause.type_title) == ("after \u201cLoad\u201d", "Sleep")
    assert end.old_place == "after \u201cCharge\u201d"
    assert [(each.label, each.after) for each in pause.fields if each.path == "data.duration"]
    assert found.summary == "1 node added, 1 removed"


def test_settings_are_compared_field_by_field() -> None:
    after = deepcopy(flow())
    after["nodes"][1]["data"] |= {"code": "return 1;\nreturn 2;", "timeout": "2 minutes"}
    after["nodes"][1]["position"] = {"x": 7, "y": 7}

    (change,) = differences(flow(), after).nodes

    assert change.kinds == (Kind.CHANGED,)
    code, timeout = change.fields
    assert (code.label, code.how, code.has_lines) == ("Code", "changed", True)
    assert code.lines().added
    assert (timeout.label, timeout.before, timeout.after) == ("Timeout", None, "2 minutes")


@pytest.mark.parametrize(("before", "after"), [(1, "1"), (1, True), (None, "null"), ([], {})])
def test_values_of_different_types_look_different(before: Any, after: Any) -> None:
    documents = [deepcopy(flow()), deepcopy(flow())]
    for each, value in zip(documents, (before, after), strict=True):
        each["nodes"][0]["data"]["note"] = value

    (change,) = differences(*documents).nodes

    (field,) = change.fields
    assert field.before != field.after


def test_a_changed_id_is_a_renamed_node() -> None:
    after = edited(flow(), {"type": "set_id", "node": "charge", "id": "pay"})

    found = differences(flow(), after)

    assert described(found) == [("Charge", "renamed")]
    (field,) = found.nodes[0].fields
    assert (field.label, field.before, field.after) == ("Name in code", "charge", "pay")
    assert found.summary == "1 node renamed"


def test_a_node_that_moved_is_listed_with_both_places() -> None:
    add = {"type": "add", "node_type": "loop", "name": "Each", "slot": {"after": "end"}}
    before = edited(flow(), add)
    move = {"type": "move", "nodes": ["charge"], "slot": {"owner": "each", "region": 0}}

    found = differences(before, edited(before, move))

    moved = next(each for each in found.nodes if each.id == "charge")
    assert moved.kinds == (Kind.MOVED,)
    assert moved.old_place == "after \u201cLoad\u201d"
    assert moved.place.startswith("at the start of the arm")


def test_moving_one_node_past_others_does_not_move_the_others() -> None:
    document = chain(*(node(each) for each in "abcde"))
    move = {"type": "move", "nodes": ["a"], "slot": {"after": "d"}}

    found = differences(document, edited(document, move))

    assert described(found) == [("a", "moved")]


def test_an_arm_that_no_longer_ends_is_a_changed_arm() -> None:
    size = branch("size", big="x", middle="y", small="")
    arms = ["size big big", "size middle middle", "size small small", "middle tell", "small tell"]
    steps = [node(id_) for id_ in ("big", "middle", "small", "tell")]
    before = document([size, *steps], *arms)
    after = document([size, *steps], *arms, "big tell")

    for found in (differences(before, after), differences(after, before)):
        assert described(found) == [("size", "changed")]
        assert [field.path for field in found.nodes[0].fields] == ["arms"]


def test_the_parts_beside_the_nodes_are_compared() -> None:
    set_trigger = {
        "type": "set_trigger",
        "trigger": {"type": "cron", "expression": "0 3 * * *"},
    }
    after = edited(flow(), set_trigger)
    after["metadata"] = {**after["metadata"], "name": "Other", "updatedAt": "now"}

    found = differences(
        flow(),
        after,
        entry_code="export default {};",
        dependencies={"zod": "4.1.0"},
        bindings={"STORE": "kv"},
        deploy_settings={"routes": [{"pattern": "a.com/*"}]},
    )

    titles = [part.title for part in found.parts]
    expected = ["Trigger", "Entry code", "npm packages", "Bindings", "Deploy settings", "Document"]
    assert titles == expected
    labels = [field.label for part in found.parts for field in part.fields]
    assert "Schedule" in labels
    assert "metadata.updatedAt" not in labels
    assert "metadata.name" in labels
    assert found.summary == (
        "Trigger, entry code, npm packages, bindings, deploy settings and document changed"
    )


def test_times_and_positions_are_hidden_differences() -> None:
    after = deepcopy(flow())
    after["metadata"]["updatedAt"] = "later"
    after["nodes"][0]["position"] = {"x": 9, "y": 9}

    found = differences(flow(), after)

    assert (bool(found), found.has_hidden_differences, found.summary) == (False, True, "")


def test_a_document_without_a_tree_is_compared_by_its_nodes_and_edges() -> None:
    after = deepcopy(flow())
    after["edges"] = after["edges"][:1]
    after["nodes"][0]["name"] = "Read"

    found = differences(flow(), after)

    assert not found.has_places
    assert described(found) == [("Read", "renamed")]
    assert [part.title for part in found.parts] == ["Connections"]


@pytest.mark.parametrize(
    "odd", [None, [], {"nodes": 5, "trigger": 7, "edges": [1]}, {"nodes": [1, {}]}]
)
def test_any_json_value_can_be_compared(odd: Any) -> None:
    assert differences(flow(), odd)
    assert differences(odd, flow())
    assert not differences(odd, deepcopy(odd))


def test_pictures_mark_each_side_with_words_and_links() -> None:
    document = chain(*(node(each) for each in "abcd"))
    after = edited(
        document,
        {"type": "move", "nodes": ["a"], "slot": {"after": "c"}},
        {"type": "configure", "node": "a", "field": "data.timeout", "value": "2 minutes"},
        {"type": "delete", "nodes": ["d"]},
        {"type": "add", "node_type": "sleep", "slot": {"after": "a"}},
    )
    sides = content(document), content(after)

    old, new = pictures(*sides, compare(*sides), base="?x#change-")

    assert "Removed" in old.svg
    assert "Added" not in old.svg
    assert "Added" in new.svg
    assert "Changed · moved" in new.svg
    assert 'href="?x#change-2"' in new.svg
    assert "pic-removed" in old.svg


def test_a_side_without_a_tree_has_no_picture() -> None:
    sides = content(flow()), content({"nodes": []})

    old, new = pictures(*sides, compare(*sides), base="#")

    assert old
    assert not new
