"""`try_catch`: runs other nodes if a step fails after all retries."""

from __future__ import annotations

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, Container, NodeType
from workflows.ir.reading.reader import Reader


def read(_data: Reader) -> None:
    """Read nothing: the type has no settings."""


def labels(_settings: None) -> tuple[str, ...]:
    """Return the labels of the regions; `finally` may have no edge."""
    return ("try", "catch", "finally")


def inner_names(_settings: None, label: str) -> tuple[str, ...]:
    """Return the variable of the error, which only `catch` sees."""
    return ("err",) if label == "catch" else ()


def emit(node: Node, out: Emitter) -> None:
    """Write the `try` statement, without `finally` if that region is empty."""
    tried, caught, cleanup = out.regions(node)
    out.line("try {")
    out.region(tried)
    out.line("} catch (err: any) {")
    out.region(caught)
    if cleanup.steps:
        out.line("} finally {")
        out.region(cleanup)
    out.line("}")


TYPE = NodeType(
    name="try_catch",
    title="Try / catch",
    category=Category.FAIL_SAFELY,
    summary="Runs other nodes if a node fails after all retries.",
    docs="nodes/try_catch.md",
    icon="try_catch",
    read=read,
    container=Container(
        labels=labels,
        required=("try", "catch"),
        sequential=True,
        cleanup=("finally",),
        inner_names=inner_names,
    ),
    emit=emit,
)
