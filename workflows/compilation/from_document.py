"""Generates the module of any JSON value, or reports every problem that prevents it."""

from __future__ import annotations

from dataclasses import replace

from workflows.codegen.module.generate import GeneratedModule, generate, read
from workflows.codegen.module.module_settings import ModuleSettings
from workflows.ir.document.registry import Registry
from workflows.ir.garbage_collection import without_garbage_collection
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.validation.limits import check_limits
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.documents import parse


@without_garbage_collection
def generate_from_document(
    document: object, settings: ModuleSettings, types: Registry = NODE_TYPES
) -> GeneratedModule:
    """Return the module; raises InvalidIR with all problems in the document and its code."""
    parsed = parse(document, types)
    if parsed.ir:
        module = generate(parsed.ir, settings)
        warnings = (*parsed.problems, *module.problems, *check_limits(parsed.ir))
        return replace(module, problems=tuple(dict.fromkeys(warnings)))
    reader, _ = read(parsed.nodes, settings)
    raise InvalidIR([*parsed.problems, *reader.problems])
