"""`try_catch`: what runs when a step fails for good."""

from __future__ import annotations

from workflows.ir.node_types import Container, NodeType
from workflows.ir.reader import Reader


def read(_data: Reader) -> None:
    return None


def labels(_settings: None) -> tuple[str, ...]:
    return ("try", "catch", "finally")


def names(_settings: None, label: str) -> tuple[str, ...]:
    return ("err",) if label == "catch" else ()


TYPE = NodeType(
    name="try_catch",
    title="Try / catch",
    read=read,
    container=Container(labels=labels, required=("try", "catch"), in_turn=True, names=names),
)
