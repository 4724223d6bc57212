"""The page of each node type documents all its settings and their defaults."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.docs.page_examples import DOCS, TYPE_PAGES, defaults, examples
from workflows.ir.reading.reader import Reader
from workflows.nodes.built_in import BUILT_IN

TYPES = {type_.name: type_ for type_ in BUILT_IN}
RETRIES = (DOCS / "steps.md").read_text("utf-8")


class RecordingDict(dict[str, Any]):
    """An object of a document that records which members are read."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.keys_read: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_read.add(key)
        return super().get(key, default)


def example_settings(type_: str) -> list[dict[str, Any]]:
    """Return the settings of the nodes of this type in the examples."""
    nodes = [node for example in examples() for node in example.document["nodes"]]
    return [node["data"] for node in nodes if node["type"] == type_]


def settings_read(type_: str, data: dict[str, Any]) -> set[str]:
    """Return the settings that the type reads, including those in lists."""
    objects: list[RecordingDict] = []

    def record(members: dict[str, Any]) -> RecordingDict:
        objects.append(RecordingDict(members))
        return objects[-1]

    reader = Reader(json.loads(json.dumps(data), object_hook=record), path="data", log=[])
    TYPES[type_].read(reader)
    return set(reader.known).union(*(item.keys_read for item in objects))


@pytest.mark.parametrize("type_", TYPES)
def test_the_page_of_a_type_documents_every_setting(type_: str) -> None:
    settings = set[str]().union(
        *(settings_read(type_, data) for data in [{}, *example_settings(type_)])
    )

    assert {key for key in settings if f"`{key}`" not in TYPE_PAGES[type_]} == set()


@pytest.mark.parametrize("type_", TYPES)
def test_a_missing_setting_has_the_documented_default(type_: str) -> None:
    documented = defaults(RETRIES) | defaults(TYPE_PAGES[type_])

    for data in example_settings(type_):
        for key in documented.keys() & settings_read(type_, data):
            without = {other: value for other, value in data.items() if other != key}
            assert read(type_, without) == read(
                type_, without | {key: json.loads(documented[key])}
            ), key


def read(type_: str, data: dict[str, Any]) -> tuple[Any, list[str]]:
    """Return the settings and their problems."""
    log: list[Any] = []
    settings = TYPES[type_].read(Reader(data, path="data", log=log))
    return settings, list(map(str, log))
