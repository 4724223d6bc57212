"""`loop`: repeats its body for each item, while a condition holds, or a number of times."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from workflows.ir.fields import Code
from workflows.ir.node_types import Container, NodeType
from workflows.ir.problems import quoted
from workflows.ir.reader import Reader

_NAME: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_KINDS: Final = ("forEach", "while", "times")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the body repeats for; each kind uses the fields that are named after it."""

    kind: str
    collection: Code | None
    condition: Code | None
    count: int
    item: str
    index: str
    most: int


def read(data: Reader) -> Settings:
    kind = data.choice("loopType", "forEach", _KINDS)
    data.know("collection", "condition", "count", "itemVar", "indexVar", "maxIterations")
    return Settings(
        kind=kind,
        collection=data.code("collection", is_expression=True) if kind == "forEach" else None,
        condition=data.code("condition", is_expression=True) if kind == "while" else None,
        count=data.integer("count", 5, least=0, most=10**9) if kind == "times" else 0,
        item=_name(data, "itemVar", "item"),
        index=_name(data, "indexVar", "i"),
        most=data.integer("maxIterations", 1000, least=1, most=10**9),
    )


def _name(data: Reader, key: str, default: str) -> str:
    name = data.string(key, default)
    if _NAME.fullmatch(name):
        return name
    data.problem(key, f"must be a name of letters, digits, _ and $, not {quoted(name)}")
    return default


def labels(_settings: Settings) -> tuple[str, ...]:
    return ("body",)


def names(settings: Settings, _label: str) -> tuple[str, ...]:
    item = (settings.item,) if settings.kind == "forEach" else ()
    return (*item, settings.index)


TYPE = NodeType(
    name="loop",
    title="Loop",
    read=read,
    container=Container(labels=labels, required=("body",), names=names),
    output="{ results: any[] }",
)
