"""Reads documents with the built-in node types, or with a registry that also has custom types."""

from __future__ import annotations

from workflows.ir.document.model import KnownNodes, WorkflowIR
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.validation.validate import Parsed, read_document, read_json
from workflows.nodes.built_in import NODE_TYPES


def parse(
    document: object, types: Registry = NODE_TYPES, known: KnownNodes | None = None
) -> Parsed:
    """Read and check a document; never raises for any JSON value. For `known`, see `read_document`."""
    return read_document(document, types, known)


def parse_valid(document: object, types: Registry = NODE_TYPES) -> WorkflowIR:
    """Return a valid document; raises InvalidIR with all problems."""
    parsed = parse(document, types)
    if parsed.ir is None:
        raise InvalidIR(parsed.problems)
    return parsed.ir


def parse_json(text: str | bytes) -> Parsed:
    """Read and check a document in JSON text; never raises."""
    try:
        return parse(read_json(text))
    except InvalidIR as invalid:
        return Parsed(ir=None, problems=invalid.problems)
