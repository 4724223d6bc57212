"""Short ways to write custom node types in tests."""

from __future__ import annotations

from typing import Any

from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.document.registry import Registry
from workflows.nodes.built_in import NODE_TYPES
from workflows.nodes.library.registry import registry

TEMPLATE = "export default async function (ctx) {\n  return ctx.config;\n}\n"


def node_json(id_: str = "greet", **changes: Any) -> dict[str, Any]:
    """Return a node.json with only the required members; None removes a member."""
    required = {
        "id": id_,
        "name": "Greet",
        "version": "1.0.0",
        "description": "Greets somebody.",
        "providers": ["cloudflare"],
        "configSchema": {},
    }
    return {key: value for key, value in (required | changes).items() if value is not None}


def with_fields(**fields: dict[str, Any]) -> dict[str, Any]:
    """Return a node.json with these fields; a field without a type is a string."""
    return node_json(
        configSchema={key: {"type": "string"} | field for key, field in fields.items()}
    )


def problems(value: object) -> list[str]:
    parsed = read_definition(value, built_in=NODE_TYPES.names)
    return [str(problem) for problem in parsed.problems]


def definition(value: object) -> Definition:
    parsed = read_definition(value, built_in=NODE_TYPES.names)
    assert parsed.definition, problems(value)
    return parsed.definition


def types(*saved: tuple[dict[str, Any], str]) -> Registry:
    """Return the built-in types and these, each a node.json and its template."""
    assert all(definition(value) for value, _ in saved)
    return registry({"definition": value, "template": template} for value, template in saved)


def type_of(value: dict[str, Any], template: str = TEMPLATE) -> Registry:
    return types((value, template))
