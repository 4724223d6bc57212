"""Random sequences of operations keep documents valid, and undoing them restores every byte."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from tests.support.examples import LONG, examples
from tests.workflows.ir.documents import Document
from tests.workflows.ir.valid_documents import pool
from workflows.codegen.module.generate import generate
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.editing import fragments
from workflows.editing.document.changes import apply, difference
from workflows.editing.document.refusals import Refused
from workflows.editing.document.workbench import OpenDocument, Slot, Workbench
from workflows.editing.operations import OPERATIONS, perform
from workflows.editing.slots import all_slots, slots_for
from workflows.editing.structure import selected_blocks
from workflows.nodes.built_in import BUILT_IN, NODE_TYPES

SETTINGS = ModuleSettings(class_name="Flow", workflow_binding="WORKFLOW")
DOCUMENTS = [each for each in pool() if each.get("kind") != "script"]
GROUPS = 10
CONTAINERS = [type_.name for type_ in BUILT_IN if type_.container]
ON_ARMS = ("add_arm", "remove_arm", "move_arm", "rename_arm", "reconnect", "unwrap")


class RandomOperations:
    """Draws operations with arguments that exist in the document."""

    def __init__(self, random: Random, opened: OpenDocument) -> None:
        self.random = random
        self.opened = opened
        self.ids = list(opened.draft.nodes)
        self.containers = [
            id_ for id_ in self.ids if opened.draft.nodes[id_].type.container
        ] or self.ids

    def draw(self) -> dict[str, Any]:
        type_ = self.random.choice(list(OPERATIONS))
        return {"type": type_, **self._arguments(type_)}

    def _arguments(self, type_: str) -> dict[str, Any]:
        if type_ in ON_ARMS:
            return self._on_arm(type_)
        return {
            **self._on_one(type_),
            "nodes": self._some(),
            "slot": self._slot(),
            "trigger": {"type": "cron", "expression": "0 3 * * *"},
            "document": self.opened.document,
        }

    def _on_one(self, type_: str) -> dict[str, Any]:
        random = self.random
        node = random.choice(self.ids)
        match type_:
            case "add":
                return {"node_type": random.choice(BUILT_IN).name}
            case "wrap":
                return {"node_type": random.choice(CONTAINERS)}
            case "set_id":
                return {"node": node, "id": f"id{random.randrange(1000)}"}
            case "rename":
                return {"node": node, "name": f"Name {random.randrange(1000)}"}
            case "configure":
                steps = [id_ for id_ in self.ids if self._type(id_) == "step"]
                node = random.choice(steps or self.ids)
                return {"node": node, "field": "data.timeout", "value": "2 minutes"}
            case "replace_name":
                name = {"name": "from", "new_name": "to"}
                return {"node": node, "field": "data.code", "line": 1, "column": 10, **name}
            case _:
                return {"fragment": self._fragment(node)}

    def _fragment(self, node: str) -> Document:
        bench = Workbench(self.opened)
        return fragments.fragment_of(bench, selected_blocks(bench, [node]))

    def _on_arm(self, type_: str) -> dict[str, Any]:
        random = self.random
        arguments: dict[str, Any] = {
            "node": random.choice(self.containers),
            "region": random.randrange(3),
            "to": random.randrange(3),
            "target": random.choice([*self.ids, ""]),
        }
        if type_ == "rename_arm":
            arguments["label"] = f"label {random.randrange(9)}"
        return arguments

    def _type(self, node_id: str) -> str:
        return self.opened.draft.nodes[node_id].type.name

    def _some(self) -> list[str]:
        return self.random.sample(self.ids, min(len(self.ids), self.random.choice((1, 1, 2, 3))))

    def _slot(self) -> dict[str, Any]:
        if self.random.random() < 0.4:
            return {
                "owner": self.random.choice(self.containers),
                "region": self.random.randrange(3),
            }
        return self.random.choice([{"owner": ""}, {"after": self.random.choice(self.ids)}])


@pytest.mark.parametrize("group", range(GROUPS))
def test_operations_keep_documents_valid_and_can_be_undone(group: int) -> None:
    for number in range(group, examples(250, 20_000), GROUPS):
        _check_sequence(Random(number), length=6 if not LONG else 15)  # noqa: S311 - reproducible


def _check_sequence(random: Random, *, length: int) -> None:
    opened = OpenDocument(random.choice(DOCUMENTS), NODE_TYPES)
    log = []
    for _ in range(length):
        try:
            operation = RandomOperations(random, opened).draw()
            edit = perform(opened, operation)
        except Refused:
            continue
        if edit.opened.parsed.ir is None:
            assert operation["type"] == "paste"  # may refer to what is not there
            continue
        changes = json.loads(json.dumps(difference(opened.document, edit.document)))
        assert _bytes(apply(opened.document, changes)) == _bytes(edit.document), operation
        log.append((opened.document, changes))
        opened = edit.opened
    assert opened.parsed.ir is not None
    generate(opened.parsed.ir, SETTINGS)  # raises for a program that cannot run
    document = opened.document
    for before, changes in reversed(log):
        document = apply(document, changes, backwards=True)
        assert _bytes(document) == _bytes(before)


def _bytes(document: Document) -> str:
    return json.dumps(document)


@pytest.mark.parametrize("number", range(len(DOCUMENTS)))
def test_slots_are_legal_exactly_if_a_move_succeeds(number: int) -> None:
    opened = OpenDocument(DOCUMENTS[number], NODE_TYPES)
    random = Random(number)  # noqa: S311 - the same every time
    nodes = list(opened.draft.nodes)
    for node_id in random.sample(nodes, min(len(nodes), examples(3, 100))):
        legal = slots_for(opened, [node_id])
        assert [
            slot for slot in map(_slot, all_slots(opened)) if _can_move(opened, node_id, slot)
        ] == legal


def _slot(placed: Any) -> Slot:
    slot: Slot = placed.slot
    return slot


def _can_move(opened: OpenDocument, node_id: str, slot: Slot) -> bool:
    place = {"after": slot.after} if slot.after else {"owner": slot.owner, "region": slot.region}
    try:
        perform(opened, {"type": "move", "nodes": [node_id], "slot": place})
    except Refused:
        return False
    return True
