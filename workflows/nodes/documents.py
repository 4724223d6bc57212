"""Documents of the built-in node types, or of a registry that also holds custom ones."""

from __future__ import annotations

from workflows.ir.document.model import WorkflowIR
from workflows.ir.document.registry import Registry
from workflows.ir.reading.problems import InvalidIR
from workflows.ir.validation.validate import Parsed, read_document, read_json
from workflows.nodes.built_in import NODE_TYPES


def parse(document: object, types: Registry = NODE_TYPES) -> Parsed:
    """Read and check a document; never raises, whatever JSON value it is."""
    return read_document(document, types)


def parse_valid(document: object, types: Registry = NODE_TYPES) -> WorkflowIR:
    """Return the document; raises InvalidIR with all of its problems."""
    parsed = parse(document, types)
    if parsed.ir is None:
        raise InvalidIR(parsed.problems)
    return parsed.ir


def parse_json(text: str | bytes) -> Parsed:
    """Read and check a document given as JSON text; never raises."""
    try:
        return parse(read_json(text))
    except InvalidIR as invalid:
        return Parsed(ir=None, problems=invalid.problems)
