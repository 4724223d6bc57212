"""`race`: the first arm to finish."""

from __future__ import annotations

from workflows.ir.node_types import Container, NodeType
from workflows.ir.policy import StepPolicy, read_policy
from workflows.ir.reader import Reader


def read(data: Reader) -> StepPolicy:
    return read_policy(data)


TYPE = NodeType(
    name="race", title="Race", read=read, container=Container(labels=None), output="any"
)
