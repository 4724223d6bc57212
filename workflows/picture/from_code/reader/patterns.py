"""Binds the names of variables and parameters, also inside of patterns, to values."""

from __future__ import annotations

from collections.abc import Sequence

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.reader.members import member
from workflows.picture.from_code.reader.values import (
    Choice,
    Fields,
    Items,
    Promise,
    Scope,
    Value,
    choice,
)
from workflows.picture.from_code.reader.walk import Walk


def bind(walk: Walk, pattern: Node, value: Value, scope: Scope, *, is_new: bool = True) -> None:
    """Bind a name or the names in a pattern; with `is_new`, they are declared in this scope."""
    match pattern.type:
        case "identifier" | "shorthand_property_identifier_pattern":
            (scope.declare if is_new else scope.assign)(text(pattern), value)
        case "object_pattern":
            for part in children_of(pattern):
                _bind_property(walk, part, value, scope, is_new=is_new)
        case "array_pattern":
            for at, part in enumerate(children_of(pattern)):
                bind(walk, part, _item(value, at), scope, is_new=is_new)
        case "assignment_pattern" | "object_assignment_pattern":
            _bind_with_default(walk, pattern, value, scope, is_new=is_new)
        case "rest_pattern" if pattern.named_children:
            bind(walk, pattern.named_children[0], value, scope, is_new=is_new)


def _bind_with_default(
    walk: Walk, pattern: Node, value: Value, scope: Scope, *, is_new: bool
) -> None:
    left, right = (pattern.child_by_field_name(side) for side in ("left", "right"))
    default = walk.visit(right, scope) if value is None else value
    if left is not None:
        bind(walk, left, default, scope, is_new=is_new)


def _bind_property(walk: Walk, part: Node, value: Value, scope: Scope, *, is_new: bool) -> None:
    match part.type:
        case "pair_pattern":
            key, inner = part.child_by_field_name("key"), part.child_by_field_name("value")
            if key is not None and inner is not None:
                bind(walk, inner, member(walk, value, text(key)), scope, is_new=is_new)
        case "object_assignment_pattern":
            left = part.child_by_field_name("left")
            own = member(walk, value, text(left)) if left is not None else None
            bind(walk, part, own, scope, is_new=is_new)
        case "rest_pattern":
            bind(walk, part, value, scope, is_new=is_new)
        case _:
            bind(walk, part, member(walk, value, text(part)), scope, is_new=is_new)


def _item(value: Value, at: int) -> Value:
    """Return an item of a list, or of one of several lists."""
    if isinstance(value, Choice):
        return choice((key, _item(part, at)) for key, part in value.values)
    if isinstance(value, Items) and at < len(value.values):
        item = value.values[at]
        return item.result if isinstance(item, Promise) else item
    return None


def bind_parameters(
    walk: Walk, parameters: Sequence[Node], values: Sequence[Value], scope: Scope
) -> None:
    """Bind the parameters of a function to the arguments of a call."""
    for at, parameter in enumerate(parameters):
        pattern = parameter.child_by_field_name("pattern") or parameter
        value = values[at] if at < len(values) else None
        if pattern.type == "rest_pattern":
            value = Items(list(values[at:]))
        default = parameter.child_by_field_name("value")
        if value is None and default is not None:
            value = walk.visit(default, scope)
        bind(walk, pattern, value, scope)
        _set_property(parameter, pattern, value, scope)


def _set_property(parameter: Node, pattern: Node, value: Value, scope: Scope) -> None:
    """Set the field that a parameter of a constructor such as `private step` declares."""
    is_property = any(
        part.type in ("accessibility_modifier", "readonly") for part in parameter.children
    )
    if is_property and isinstance(scope.this, Fields):
        scope.this.names[text(pattern)] = value
