"""Custom node types in a few words, for tests."""

from __future__ import annotations

from typing import Any

from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.document.registry import Registry
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.custom import registry

TEMPLATE = "export default async function (ctx) {\n  return ctx.config;\n}\n"


def node_json(id_: str = "greet", **changes: Any) -> dict[str, Any]:
    """Return a node.json with nothing that it need not have; None takes a member away."""
    whole = {
        "id": id_,
        "name": "Greet",
        "version": "1.0.0",
        "description": "Greets somebody.",
        "providers": ["cloudflare"],
        "configSchema": {},
    }
    return {key: value for key, value in (whole | changes).items() if value is not None}


def with_fields(**fields: dict[str, Any]) -> dict[str, Any]:
    """Return a node.json with these fields of its settings; a field without a type is text."""
    return node_json(configSchema={key: {"type": "string"} | one for key, one in fields.items()})


def problems(value: object) -> list[str]:
    read = read_definition(value, built_in=NODE_TYPES.names)
    return [str(problem) for problem in read.problems]


def definition(value: object) -> Definition:
    found = read_definition(value, built_in=NODE_TYPES.names)
    assert found.definition, problems(value)
    return found.definition


def types(*saved: tuple[dict[str, Any], str]) -> Registry:
    """Return the built-in types and these, each a node.json and its template."""
    assert all(definition(value) for value, _ in saved)
    return registry({"definition": value, "template": template} for value, template in saved)


def type_of(value: dict[str, Any], template: str = TEMPLATE) -> Registry:
    return types((value, template))
