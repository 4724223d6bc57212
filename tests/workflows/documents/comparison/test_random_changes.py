"""The differences that random operations of the editor cause, against what they touch."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tests.support.examples import examples
from tests.workflows.documents.comparison.contents import content
from tests.workflows.editing.test_random_operations import DOCUMENTS, RandomOperations
from workflows.documents.comparison.comparison import Comparison, compare
from workflows.documents.comparison.nodes import Kind
from workflows.editing.document.refusals import Refused
from workflows.editing.document.workbench import OpenDocument
from workflows.editing.operations import Edit, perform
from workflows.editing.outcome import PLACE
from workflows.nodes.built_in import NODE_TYPES

GROUPS = 10
MOVE_NOTHING = (
    "add", "configure", "delete", "duplicate", "paste", "rename", "replace_name", "set_id", "set_trigger",
)  # fmt: skip
Item = dict[str, Any]


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_a_document_does_not_differ_from_itself(number: int) -> None:
    document = DOCUMENTS[number]
    copy = json.loads(json.dumps(document, sort_keys=True))

    found = compare(content(document), content(copy))

    assert not found
    assert (found.summary, found.has_places) == ("", True)


@pytest.mark.long
@pytest.mark.parametrize("group", range(GROUPS))
def test_differences_name_exactly_the_nodes_that_an_operation_touches(group: int) -> None:
    for number in range(group, examples(250, 20_000), GROUPS):
        random = Random(number)  # noqa: S311 - reproducible
        opened = OpenDocument(random.choice(DOCUMENTS), NODE_TYPES)
        for _ in range(4):
            operation = RandomOperations(random, opened).draw()
            try:
                edit = perform(opened, operation)
            except Refused:
                continue
            _check(opened, operation, edit)
            opened = edit.opened


def _check(opened: OpenDocument, operation: Item, edit: Edit) -> None:
    found = compare(content(opened.document), content(edit.document))
    back = compare(content(edit.document), content(opened.document))
    _check_content(found, opened.document, edit)
    _check_places(found, operation, edit, _shared(opened.document))
    assert bool(found) == (_without_effects(opened.document) != _without_effects(edit.document))
    assert _contents_of(found) == {(old_id, id_) for id_, old_id in _contents_of(back)}


def _contents_of(found: Comparison) -> set[tuple[str, str]]:
    """Return the nodes that differ in more than their place and their arms, which depend on the direction."""
    return {
        (each.id, each.old_id)
        for each in found.nodes
        if {field.path for field in each.fields} - {"arms"}
    }


def _check_content(found: Comparison, before: Item, edit: Edit) -> None:
    """Check which nodes were added, removed, changed and renamed."""
    old, new = _items(before), _items(edit.document)
    ids = {edit.renamed.get(id_, id_): id_ for id_ in old}
    pairs = {(each.id, each.old_id): each for each in found.nodes}
    for (id_, old_id), change in pairs.items():
        if id_ and old_id and ids.get(id_) != old_id:  # one was removed, an equal one was added
            assert Kind.RENAMED in change.kinds
            ids = {**{k: v for k, v in ids.items() if v != old_id}, id_: old_id}
    differing = {(id_, ids.get(id_, "")) for id_ in new if new[id_] != old.get(ids.get(id_, ""))}
    gone = {("", old_id) for id_, old_id in ids.items() if id_ not in new}
    with_content = {
        key for key, each in pairs.items() if {field.path for field in each.fields} - {"arms"}
    }
    assert with_content == differing | gone


def _shared(document: Item) -> set[str]:
    """Return the nodes to which several arms lead: where they are depends on these arms too."""
    places = content(document).places
    views = places.regions.values() if places else ()
    return {id_ for view in views if view.is_shared for id_ in view.node_ids}


def _check_places(found: Comparison, operation: Item, edit: Edit, shared: set[str]) -> None:
    """Check which nodes have moved, apart from a removed node for which an equal one was added."""
    moved = {
        each.id
        for each in found.nodes
        if each.is_moved and edit.renamed.get(each.old_id, each.old_id) == each.id
    }
    touched = {edit.renamed.get(id_, id_) for id_, path in edit.touched if path == PLACE}
    kept = {each["id"] for each in edit.document["nodes"]} & touched
    match operation["type"]:
        case "move":
            assert len(moved - shared) <= len(touched), (operation, moved)
        case "wrap":
            assert moved - shared == kept - shared, (operation, moved)
        case "unwrap":  # what several arms lead to already follows the container
            fillers = {each.id for each in found.nodes if each.name.startswith("Empty step")}
            assert moved - fillers <= kept, (operation, moved)
        case name if name in MOVE_NOTHING:
            assert moved == set(), (operation, moved)


def _items(document: Item) -> dict[str, Item]:
    return {
        each["id"]: {key: value for key, value in each.items() if key != "position"}
        for each in document["nodes"]
    }


def _without_effects(document: Item) -> Any:
    places = content(document).places
    assert places
    tree = {
        key: (view.label, view.node_ids, view.continues_at) for key, view in places.regions.items()
    }
    return _items(document), tree, document.get("trigger"), document["metadata"]["name"]
