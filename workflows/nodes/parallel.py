"""`parallel`: all arms at once."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.ir.node_types import Container, NodeType
from workflows.ir.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """With `collects` a failing arm is a value of the output, without it fails the node."""

    collects: bool


def read(data: Reader) -> Settings:
    return Settings(collects=data.choice("onError", "fail", ("fail", "collect")) == "collect")


TYPE = NodeType(
    name="parallel", title="Parallel", read=read, container=Container(labels=None), output="any[]"
)
