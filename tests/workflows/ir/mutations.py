"""Random changes to documents, which can break everything except the types of code.

A mutated document has problems, or results in a program that compiles.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.workflows.ir.documents import Document, node
from tests.workflows.ir.odd_values import (
    CODE_KEYS,
    CONDITIONS,
    EXPRESSIONS,
    IDS,
    LABELS,
    NASTY,
    STATEMENTS,
    TIMES,
    VALUES,
)
from workflows.ir.tree.flow import THEN
from workflows.nodes.built_in import NODE_TYPES

_REFERENCE = re.compile(r"\{\{ (\w+) \}\}")


class Mutator:
    """Applies a few random changes of `_CHANGES` to a document."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def mutated(self, original: Document) -> Any:
        mutant = copy.deepcopy(original)
        is_gentle = self._random.random() < 0.6
        changes = _GENTLE if is_gentle else _CHANGES
        for _ in range(self._random.choice([1, 1, 1, 2, 2, 3, 5])):
            self._random.choice(changes)(self, mutant)
        return mutant

    # Helpers

    def _item(self, mutant: Document, key: str) -> dict[str, Any]:
        """Return a node or an edge; an empty object if there is none left."""
        items = mutant.get(key)
        objects = (
            [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        )
        return self._random.choice(objects) if objects else {}

    def _id(self, mutant: Document) -> Any:
        return self._item(mutant, "nodes").get("id", "missing")

    def _data(self, mutant: Document) -> dict[str, Any]:
        data = self._item(mutant, "nodes").get("data")
        return data if isinstance(data, dict) else {}

    def _code(self, key: str, mutant: Document) -> str:
        kinds = {"code": STATEMENTS, "condition": CONDITIONS, "timestamp": TIMES}
        source = self._random.choice(kinds.get(key, EXPRESSIONS))
        return source.replace("REF", str(self._id(mutant)))

    def _value(self, key: object, mutant: Document) -> Any:
        if self._random.random() < 0.5:
            return copy.deepcopy(self._random.choice(VALUES))
        if key in ("itemVar", "indexVar"):
            return self._random.choice(
                [*IDS, "item", "i", self._id(mutant), f"run_{self._id(mutant)}"]
            )
        if key in CODE_KEYS:
            return self._code(str(key), mutant)
        return self._random.choice(NASTY)

    def _place(self, mutant: Document) -> tuple[Any, Any]:
        """Return any container of the document and a key of it."""
        return self._random.choice(list(_places(mutant)) or [(mutant, "nodes")])

    # Changes

    def replace(self, mutant: Document) -> None:
        container, key = self._place(mutant)
        container[key] = self._value(key, mutant)

    def remove(self, mutant: Document) -> None:
        container, key = self._place(mutant)
        container.pop(key, None) if isinstance(container, dict) else container.pop(key)

    def rename_key(self, mutant: Document) -> None:
        container, key = self._place(mutant)
        new = self._random.choice(["id", "type", "label", "timeout", "url", "count", "unknown", ""])
        if isinstance(container, dict) and key in container:
            container[new] = container.pop(key)

    def duplicate(self, mutant: Document) -> None:
        key = self._random.choice(["nodes", "edges"])
        item = copy.deepcopy(self._item(mutant, key))
        if self._random.random() < 0.7:
            item["id"] = f"{item.get('id')}2"
        if isinstance(mutant.get(key), list):
            mutant[key].append(item)

    def swap_types(self, mutant: Document) -> None:
        self._item(mutant, "nodes")["type"] = self._random.choice([*NODE_TYPES, "webhook"])

    def swap_data(self, mutant: Document) -> None:
        first, second = self._item(mutant, "nodes"), self._item(mutant, "nodes")
        first["data"], second["data"] = second.get("data"), first.get("data")

    def relabel(self, mutant: Document) -> None:
        self._item(mutant, "edges")["label"] = self._random.choice(LABELS)

    def retarget(self, mutant: Document) -> None:
        self._item(mutant, "edges")[self._random.choice(["source", "target"])] = self._id(mutant)

    def connect(self, mutant: Document) -> None:
        new = {"id": "new", "source": self._id(mutant), "target": self._id(mutant)}
        if self._random.random() < 0.5:
            new["label"] = self._random.choice(LABELS)
        if isinstance(mutant.get("edges"), list):
            mutant["edges"].append(new)

    def disconnect(self, mutant: Document) -> None:
        edge = self._item(mutant, "edges")
        if edge:
            mutant["edges"].remove(edge)

    def insert(self, mutant: Document) -> None:
        """Insert a new node into an edge; a container gets a step in each of its regions."""
        edge, nodes, id_ = self._item(mutant, "edges"), mutant.get("nodes"), self._new_id()
        if not edge or not isinstance(nodes, list):
            return
        type_ = self._random.choice(list(NODE_TYPES))
        nodes.append(node(id_, type_, name=id_ or "-", **copy.deepcopy(_SETTINGS[type_])))
        new = [{"source": id_, "target": edge.get("target"), "label": THEN}]
        for label in _REGIONS.get(type_, ()):
            inside = node(f"{id_}_{label}", code=self._code("code", mutant))
            nodes.append(inside)
            new.append({"source": id_, "target": inside["id"], "label": label})
        if type_ not in _REGIONS:
            del new[0]["label"]
        mutant["edges"] += [added | {"id": f"{id_}-{index}"} for index, added in enumerate(new)]
        edge["target"] = id_

    def _new_id(self) -> str:
        return self._random.choice([*IDS, f"new{self._random.randrange(9)}"])

    def rename_node(self, mutant: Document) -> None:
        """Give a node a different id, usually in all references and edges too."""
        renamed = self._item(mutant, "nodes")
        old, new = renamed.get("id"), self._random.choice([*IDS, self._id(mutant)])
        renamed["id"] = new
        for other in mutant.get("nodes") or [] if self._random.random() < 0.8 else []:
            if isinstance(other, dict):
                other["data"] = _renamed(other.get("data"), f"{{{{ {old} }}}}", f"{{{{ {new} }}}}")
        for edge in mutant.get("edges") or [] if self._random.random() < 0.8 else []:
            for end in ("source", "target"):
                if isinstance(edge, dict) and edge.get(end) == old:
                    edge[end] = new
        if mutant.get("entryNodeId") == old:
            mutant["entryNodeId"] = new

    def rename(self, mutant: Document) -> None:
        item = self._item(mutant, "nodes")
        item["name"] = self._random.choice([*NASTY, self._item(mutant, "nodes").get("name")])

    def fill(self, mutant: Document) -> None:
        """Give nodes JSON with any values and keys."""
        key = self._random.choice(["headers", "queryParams", "body"])
        texts = [*NASTY, f"{{{{ {self._id(mutant)} }}}}", f"-{{{{ {self._id(mutant)} }}}}-"]
        value: Any = self._random.choice([*VALUES, *texts])
        for _ in range(self._random.randint(1, 3)):
            inner = value if self._random.random() < 0.7 else [value, self._random.choice(texts)]
            value = {self._random.choice(texts): inner, self._random.choice(texts): 1}
        for item in mutant.get("nodes") or []:
            data = item.get("data") if isinstance(item, dict) else None
            if isinstance(data, dict) and {"url", "workerName"} & data.keys():
                data["method"], data[key] = "POST", value

    def refer(self, mutant: Document) -> None:
        """Make settings refer to another node."""
        data = self._data(mutant)
        for key, value in data.items():
            if isinstance(value, str):
                data[key] = _REFERENCE.sub(f"{{{{ {self._id(mutant)} }}}}", value)

    def recode(self, mutant: Document) -> None:
        data = self._data(mutant)
        arms = data.get("branches")
        places = [
            data,
            *([arm for arm in arms if isinstance(arm, dict)] if isinstance(arms, list) else []),
        ]
        for place in places:
            for key in CODE_KEYS:
                if key in place and self._random.random() < 0.7:
                    place[key] = self._code(key, mutant)

    def set_setting(self, mutant: Document) -> None:
        """Give a node a setting of any type."""
        key = self._random.choice(_KEYS)
        self._data(mutant)[key] = self._value(key, mutant)

    def configure(self, mutant: Document) -> None:
        retries = {
            key: self._random.choice([*VALUES, *NASTY, "linear", 3])
            for key in ("limit", "delay", "backoff", "unknown")
            if self._random.random() < 0.5
        }
        timeout = self._random.choice([*VALUES, "1 hour", "2 hours"])
        self._item(mutant, "nodes")["config"] = {"retries": retries, "timeout": timeout}

    def nest(self, mutant: Document) -> None:
        container, key = self._place(mutant)
        deep: Any = 1
        for _ in range(self._random.choice([3, 90, 120, 300])):
            deep = [deep] if self._random.random() < 0.5 else {"a": deep}
        container[key] = deep

    def move_entry(self, mutant: Document) -> None:
        mutant["entryNodeId"] = self._id(mutant)

    def change_trigger(self, mutant: Document) -> None:
        kinds: list[Any] = [None, "manual", "http", "cron", "event", "queue", "odd"]
        mutant["trigger"] = {"type": self._random.choice(kinds), "path": self._random.choice(NASTY),
                             "expression": "1 1 * * 1", "eventType": "a", "queue": "q"}  # fmt: skip
        mutant["kind"] = self._random.choice([None, "workflow", "script"])


_CHANGES: tuple[Callable[[Mutator, Document], None], ...] = (
    Mutator.replace, Mutator.remove, Mutator.rename_key, Mutator.duplicate, Mutator.swap_types, Mutator.swap_data,
    Mutator.relabel, Mutator.retarget, Mutator.retarget, Mutator.connect, Mutator.disconnect, Mutator.insert,
    Mutator.insert, Mutator.rename_node, Mutator.rename_node, Mutator.rename, Mutator.refer, Mutator.refer,
    Mutator.recode, Mutator.recode, Mutator.set_setting, Mutator.set_setting, Mutator.configure, Mutator.nest,
    Mutator.move_entry, Mutator.change_trigger,
)  # fmt: skip
_GENTLE = (
    Mutator.insert, Mutator.rename_node, Mutator.rename, Mutator.refer, Mutator.recode, Mutator.set_setting, Mutator.fill,
    Mutator.insert, Mutator.change_trigger,
)  # fmt: skip
_REGIONS = {
    "branch": ("yes", "no"), "parallel": ("a", "b"), "race": ("a", "b"), "loop": ("body",), "try_catch": ("try", "catch"),
}  # fmt: skip
_KEYS = (
    *CODE_KEYS, "timeout", "retryLimit", "retryDelay", "backoff", "url", "headers", "queryParams", "method", "failOn",
    "duration", "eventType", "loopType", "itemVar", "indexVar", "count", "maxIterations", "onError", "workflowId",
    "scriptName", "className", "items", "id", "waitForCompletion", "workerName", "branches", "inline", "unknown",
)  # fmt: skip
_SETTINGS: dict[str, dict[str, Any]] = {
    "step": {}, "transform": {"expression": "1"}, "sleep": {"duration": 1000}, "sleep_until": {"timestamp": "2030-01-01"},
    "wait_for_event": {"eventType": "e"}, "wait_until": {"code": "return 1;"}, "human_approval": {"title": "t"}, "debounce": {"key": "k"}, "rate_limit": {"key": "k"}, "http_request": {"url": "http://x"},
    "branch": {"branches": [{"label": "yes", "condition": "true"}, {"label": "no", "condition": ""}]},
    "parallel": {}, "race": {}, "loop": {"collection": "[1]"}, "try_catch": {}, "break": {},
    "sub_workflow": {"workflowId": "w"}, "start_many": {"workflowId": "w", "items": "[1]"}, "sub_script": {"workerName": "w"},
}  # fmt: skip


def _renamed(value: Any, old: str, new: str) -> Any:
    """Return the value with the reference replaced in all texts except keys."""
    if isinstance(value, dict):
        return {key: _renamed(inner, old, new) for key, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, old, new) for inner in value]
    return value.replace(old, new) if isinstance(value, str) else value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every member and item of a JSON value as container and key."""
    stack = [value]
    while stack:
        container = stack.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            yield container, key
            if isinstance(container[key], dict | list):
                stack.append(container[key])
