"""`step`: runs custom code in a durable step."""

from __future__ import annotations

from dataclasses import dataclass

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import INFERRED, NodeType
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading.fields import Code
from workflows.ir.reading.reader import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`code` is the body of the step's function, `policy` its retries and timeout."""

    code: Code
    policy: StepPolicy


def read(data: Reader) -> Settings:
    """Read the code and the retry settings."""
    if data.raw("inline"):
        data.warning("inline", "has no effect: the code always runs as a durable step")
    return Settings(code=data.code("code", is_expression=False), policy=read_policy(data))


def callback(node: Node, out: Emitter) -> None:
    """Write the function whose body is the code."""
    out.start_callback(node, node.settings.code)
    out.code(node.settings.code)
    out.line("};")


def emit(node: Node, out: Emitter) -> None:
    """Write the durable step that runs the code."""
    out.durable_step(node, node.settings.policy)


TYPE = NodeType(name="step", title="Step", read=read, output=INFERRED, callback=callback, emit=emit)
