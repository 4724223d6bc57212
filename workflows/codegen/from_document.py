"""From any JSON value to the module that it means, or to everything that keeps it from being one."""

from __future__ import annotations

from collections.abc import Mapping

from workflows.codegen.module import GeneratedModule, ModuleSettings, generate, read
from workflows.ir.node_types import NodeType
from workflows.ir.problems import InvalidIR
from workflows.ir.validate import parse
from workflows.nodes import NODE_TYPES


def module_of(
    document: object, settings: ModuleSettings, types: Mapping[str, NodeType] = NODE_TYPES
) -> GeneratedModule:
    """Return the module; raises InvalidIR with all problems of the document and of its code."""
    parsed = parse(document, types)
    if parsed.ir:
        return generate(parsed.ir, settings)
    reading, _ = read(parsed.nodes, settings)
    raise InvalidIR([*parsed.problems, *reading.problems])
