"""`break`: leaves the innermost loop, or the workflow."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.ir.fields import Code
from workflows.ir.node_types import NodeType
from workflows.ir.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Without a condition it always leaves."""

    condition: Code | None


def read(data: Reader) -> Settings:
    code = data.code("condition", is_expression=True, optional=True)
    return Settings(condition=code if code.source.strip() else None)


TYPE = NodeType(name="break", title="Break", read=read)
