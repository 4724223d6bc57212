"""The page of every node type names every setting, with the default that it has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.docs.page_examples import DOCS, TYPE_PAGES, defaults, examples
from workflows.ir.reading.reader import Reader
from workflows.nodes.built_in import BUILT_IN

TYPES = {type_.name: type_ for type_ in BUILT_IN}
RETRIES = (DOCS / "steps.md").read_text("utf-8")


class Asked(dict[str, Any]):
    """An object of a document that notes which of its members are asked for."""

    def __init__(self, members: dict[str, Any]) -> None:
        super().__init__(members)
        self.keys_asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.keys_asked.add(key)
        return super().get(key, default)


def drawn(type_: str) -> list[dict[str, Any]]:
    """Return the settings of the type's nodes in the examples."""
    nodes = [node for example in examples() for node in example.document["nodes"]]
    return [node["data"] for node in nodes if node["type"] == type_]


def known(type_: str, data: dict[str, Any]) -> set[str]:
    """Return the settings that the type looks for, those inside of lists among them."""
    objects: list[Asked] = []

    def noting(members: dict[str, Any]) -> Asked:
        objects.append(Asked(members))
        return objects[-1]

    reader = Reader(json.loads(json.dumps(data), object_hook=noting), path="data", log=[])
    TYPES[type_].read(reader)
    return set(reader.known).union(*(one.keys_asked for one in objects))


@pytest.mark.parametrize("type_", TYPES)
def test_the_page_of_a_type_names_every_setting(type_: str) -> None:
    found = set[str]().union(*(known(type_, data) for data in [{}, *drawn(type_)]))

    assert {key for key in found if f"`{key}`" not in TYPE_PAGES[type_]} == set()


@pytest.mark.parametrize("type_", TYPES)
def test_a_setting_that_is_left_out_has_the_default_of_the_page(type_: str) -> None:
    told = defaults(RETRIES) | defaults(TYPE_PAGES[type_])

    for data in drawn(type_):
        for key in told.keys() & known(type_, data):
            without = {other: value for other, value in data.items() if other != key}
            assert read(type_, without) == read(type_, without | {key: json.loads(told[key])}), key


def read(type_: str, data: dict[str, Any]) -> tuple[Any, list[str]]:
    """Return the settings and what is wrong with them."""
    log: list[Any] = []
    settings = TYPES[type_].read(Reader(data, path="data", log=log))
    return settings, list(map(str, log))
