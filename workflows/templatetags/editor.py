"""Template tags of the editor."""

from __future__ import annotations

import json
from typing import Any

from django import template

register = template.Library()


@register.simple_tag
def operation(type_: str, **arguments: Any) -> str:
    """Return an operation of the editor as JSON, for an attribute or a hidden field."""
    return json.dumps({"type": type_, **arguments})


@register.simple_tag
def slot_after(node_id: str) -> dict[str, str]:
    """Return the slot after a node, as an argument of an operation; "" means the start."""
    return {"after": node_id} if node_id else {"owner": ""}


@register.simple_tag
def listed(*items: Any) -> list[Any]:
    """Return a list, as an argument of an operation."""
    return list(items)


@register.inclusion_tag("workflows/editor/_operation.html", takes_context=True)
def operation_form(
    context: dict[str, Any], operation_json: str, label: str, kind: str = ""
) -> dict[str, Any]:
    """Render a button that performs an operation, even without scripts."""
    return {
        "workflow": context["workflow"],
        "csrf_token": context.get("csrf_token"),
        "operation": operation_json,
        "label": label,
        "kind": kind,
    }
