"""Reads expressions: what they do, and what is known about their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import Arm, Item
from workflows.picture.from_code.reader.concurrency import Region
from workflows.picture.from_code.reader.members import key_of, member
from workflows.picture.from_code.reader.patterns import bind
from workflows.picture.from_code.reader.source_text import (
    MAX_NAME,
    MAX_SHOWN,
    literal_text,
    place_of,
    shown,
    template_parts,
    unwrapped,
)
from workflows.picture.from_code.reader.values import (
    Class,
    Fields,
    Function,
    Items,
    Literal,
    Promise,
    Scope,
    Step,
    StepMethod,
    Text,
    Value,
    choice,
    patterns_of,
)
from workflows.picture.from_code.reader.walk import Handler, Walk

YES: Final = "yes"
OTHERWISE: Final = "otherwise"
_NAMING: Final = {
    "variable_declarator": "name",
    "assignment_expression": "left",
    "pair": "key",
    "public_field_definition": "name",
}
_SHORT_CIRCUITS: Final = frozenset({"&&", "||", "??"})


def _name(walk: Walk, node: Node, scope: Scope) -> Value:
    return walk.lookup(text(node), scope)


def _this(_walk: Walk, _node: Node, scope: Scope) -> Value:
    return scope.this


def _inner(walk: Walk, node: Node, scope: Scope) -> Value:
    """Read an expression in parentheses or with a type assertion."""
    inner = unwrapped(node)
    return walk.visit(inner, scope) if inner != node else None


def _string(_walk: Walk, node: Node, _scope: Scope) -> Value:
    return Text((literal_text(node),))


def _template(walk: Walk, node: Node, scope: Scope) -> Value:
    parts: list[str | None] = []
    for part in template_parts(node):
        if isinstance(part, str):
            parts.append(part)
        else:
            parts += _text_parts(walk.visit(part, scope))
    return _text(parts)


def _text_parts(value: Value) -> tuple[str | None, ...]:
    patterns = list(patterns_of(value))
    return patterns[0] if len(patterns) == 1 else (None,)


def _text(parts: list[str | None]) -> Text:
    """Return a text with neighboring parts joined."""
    joined: list[str | None] = []
    for part in parts:
        last = joined[-1] if joined else None
        if part is not None and last is not None:
            joined[-1] = last + part
        elif part is not None or not joined or last is not None:
            joined.append(part)
    known = sum(len(part or "") for part in joined)
    return Text(tuple(joined) if known <= MAX_NAME else (None,))


def _literal(_walk: Walk, node: Node, _scope: Scope) -> Value:
    return Literal(text(node))


def _function(_walk: Walk, node: Node, scope: Scope) -> Value:
    return Function(node, scope, _function_name(node), scope.this)


def _function_name(node: Node) -> str:
    """Return the name of a function, or of what it is assigned to."""
    name = node.child_by_field_name("name")
    holder = node.parent
    if name is None and holder is not None and holder.type in _NAMING:
        name = holder.child_by_field_name(_NAMING[holder.type])
    return text(name)[:MAX_SHOWN] if name is not None else ""


def _class(_walk: Walk, node: Node, scope: Scope) -> Value:
    name = node.child_by_field_name("name")
    return Class(node, scope, text(name) if name is not None else "")


def _object(walk: Walk, node: Node, scope: Scope) -> Value:
    fields = Fields()
    for part in children_of(node):
        match part.type:
            case "pair":
                key = key_of(part.child_by_field_name("key"))
                value = walk.visit(part.child_by_field_name("value"), scope)
                fields.names[key] = scope.lasting(f".{key}", value)
            case "shorthand_property_identifier":
                fields.names[text(part)] = walk.lookup(text(part), scope)
            case "method_definition":
                name = key_of(part.child_by_field_name("name"))
                fields.names[name] = Function(part, scope, name, fields)
            case "spread_element":
                _spread(walk, part, scope, fields)
            case _:
                walk.visit(part, scope)
    return fields


def _spread(walk: Walk, node: Node, scope: Scope, fields: Fields) -> None:
    for value in walk.visit_all(children_of(node), scope):
        if isinstance(value, Fields):
            fields.names.update(value.names)
        elif isinstance(value, Step):
            walk.add_code(node, scope)


def _array(walk: Walk, node: Node, scope: Scope) -> Value:
    items = Items()
    for part in children_of(node):
        value = walk.visit(part, scope)
        is_spread = part.type == "spread_element"
        items.values += value.values if is_spread and isinstance(value, Items) else [value]
    return items


def _only_part(walk: Walk, node: Node, scope: Scope) -> Value:
    values = walk.visit_all(children_of(node), scope)
    return values[-1] if values else None


def _member(walk: Walk, node: Node, scope: Scope) -> Value:
    holder = walk.visit(node.child_by_field_name("object"), scope)
    property_ = node.child_by_field_name("property")
    return member(walk, holder, text(property_)) if property_ is not None else None


def _subscript(walk: Walk, node: Node, scope: Scope) -> Value:
    holder = walk.visit(node.child_by_field_name("object"), scope)
    index = walk.visit(node.child_by_field_name("index"), scope)
    names = [parts[0] for parts in patterns_of(index) if len(parts) == 1]
    if names and None not in names:
        return choice((str(name), member(walk, holder, str(name))) for name in names)
    match holder:
        case Fields(names=fields):
            return choice(fields.items())
        case Items(values=values):
            return choice((str(at), value) for at, value in enumerate(values))
        case Step():
            return StepMethod("")
    return None


def _await(walk: Walk, node: Node, scope: Scope) -> Value:
    return walk.wait_for(_only_part(walk, node, scope), node, scope)


def _ternary(walk: Walk, node: Node, scope: Scope) -> Value:
    condition = node.child_by_field_name("condition")
    walk.visit(condition, scope)
    parts = [node.child_by_field_name(name) for name in ("consequence", "alternative")]
    read = [_valued(walk, part, scope) for part in parts]
    regions, values = [region for region, _ in read], [value for _, value in read]
    arms = [
        Arm(label=YES, items=regions[0].items),
        Arm(label=OTHERWISE, items=regions[1].items, is_else=True),
    ]
    item = Item(
        kind="branch",
        name=shown(unwrapped(condition or node)),
        place=place_of(node, scope.path),
        arms=arms,
        tokens={token for region in regions for token in region.tokens},
        awaits={token for region in regions for token in region.awaits},
    )
    walk.add(item)
    return _either(values, item.tokens)


def _valued(walk: Walk, node: Node | None, scope: Scope) -> tuple[Region, Value]:
    """Return what an expression does that may not be evaluated, and its value."""
    values: list[Value] = []
    nodes = [node] if node is not None else []
    region = walk.collect(lambda: values.extend(walk.visit_all(nodes, scope)), nodes, scope)
    return region, values[0] if values else None


def _either(values: list[Value], tokens: set[int]) -> Value:
    """Return one of several values; promises are awaited together."""
    if tokens:
        return Promise(frozenset(tokens))
    return choice((str(at), value) for at, value in enumerate(values))


def _binary(walk: Walk, node: Node, scope: Scope) -> Value:
    operator = node.child_by_field_name("operator")
    left, right = (node.child_by_field_name(side) for side in ("left", "right"))
    first = walk.visit(left, scope)
    if operator is None or left is None or operator.type not in _SHORT_CIRCUITS:
        second = walk.visit(right, scope)
        if operator is not None and operator.type == "+":
            return _sum(first, second)
        return None
    region, second = _valued(walk, right, scope)
    labels = {"&&": YES, "||": "no", "??": "null or undefined"}
    walk.add(
        Item(
            kind="branch",
            name=shown(unwrapped(left)),
            place=place_of(node, scope.path),
            arms=[Arm(label=labels[operator.type], items=region.items)],
            tokens=region.tokens,
            awaits=region.awaits,
        )
    )
    return _either([first, second], region.tokens)


def _sum(first: Value, second: Value) -> Value:
    """Return the text that `+` results in; numbers are not added."""
    if not isinstance(first, Text) and not isinstance(second, Text):
        return None
    return _text([*_text_parts(first), *_text_parts(second)])


def _assignment(walk: Walk, node: Node, scope: Scope) -> Value:
    left = node.child_by_field_name("left")
    value = walk.visit(node.child_by_field_name("right"), scope)
    if left is not None:
        assign(walk, unwrapped(left), value, scope)
    return value


def assign(walk: Walk, left: Node, value: Value, scope: Scope) -> None:
    """Assign a value to a name, a property or a pattern."""
    if left.type == "member_expression":
        holder = walk.visit(left.child_by_field_name("object"), scope)
        property_ = left.child_by_field_name("property")
        if isinstance(holder, Fields) and property_ is not None:
            holder.names[text(property_)] = scope.lasting(f".{text(property_)}", value)
        elif isinstance(value, Step):
            walk.add_code(left.parent or left, scope)
    elif left.type == "subscript_expression":
        holder = walk.visit(left.child_by_field_name("object"), scope)
        walk.visit(left.child_by_field_name("index"), scope)
        if isinstance(holder, Items):
            holder.values.append(value)
    else:
        bind(walk, left, value, scope, is_new=False)


def _nothing(_walk: Walk, _node: Node, _scope: Scope) -> Value:
    return None


HANDLERS: Final[Mapping[str, Handler]] = {
    "identifier": _name,
    "this": _this,
    "parenthesized_expression": _inner,
    "as_expression": _inner,
    "satisfies_expression": _inner,
    "non_null_expression": _inner,
    "instantiation_expression": _inner,
    "type_assertion": _inner,
    "string": _string,
    "template_string": _template,
    "number": _literal,
    "true": _literal,
    "false": _literal,
    "arrow_function": _function,
    "function_expression": _function,
    "generator_function": _function,
    "class": _class,
    "object": _object,
    "array": _array,
    "spread_element": _only_part,
    "sequence_expression": _only_part,
    "member_expression": _member,
    "subscript_expression": _subscript,
    "await_expression": _await,
    "ternary_expression": _ternary,
    "binary_expression": _binary,
    "assignment_expression": _assignment,
    "augmented_assignment_expression": _assignment,
    "type_annotation": _nothing,
    "type_arguments": _nothing,
    "regex": _nothing,
    "comment": _nothing,
}
