"""Reads what a function of the project does where it is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import (
    SEQUENCE,
    Arm,
    Await,
    Item,
    has_recursion,
    has_return,
    takes_steps,
)
from workflows.picture.from_code.reader.concurrency import Region, unpacked
from workflows.picture.from_code.reader.patterns import bind_parameters
from workflows.picture.from_code.reader.source_text import is_async, place_of, shown
from workflows.picture.from_code.reader.values import (
    Fields,
    Function,
    Promise,
    Scope,
    Value,
    choice,
    tokens_of,
)
from workflows.picture.from_code.reader.walk import MAX_CALLS, Frame, Walk

_MAX_QUIET: Final = 1_000  # bytes of a function that is read for its value alone


def call(
    walk: Walk, function: Function, values: Sequence[Value], node: Node, scope: Scope
) -> Value:
    """Read the call of a function; one that does not use the step object is read for its value alone."""
    if not _concerns(walk, function, values):
        return _value_of(walk, function, values)
    if _is_open(walk, function, values):
        return _again(walk, function, node, scope)
    if len(walk.frames) >= MAX_CALLS:
        walk.is_complete = False
        walk.add_code(node, scope)
        return None
    region, value = region_of_call(walk, function, values)
    item = _item(region, function, node, scope)
    if item is None:
        return _without_items(walk, region, value, node, scope)
    if is_async(function.node):
        token = walk.new_token()
        item.tokens.add(token)
        value = Promise(frozenset({token}), result=value)
    walk.add(item)
    return value


def _concerns(walk: Walk, function: Function, values: Sequence[Value]) -> bool:
    """Whether a function can take steps, or wait for some that have been started."""
    return walk.carries(function) or any(
        walk.carries(value) or tokens_of(value) for value in values
    )


def _without_items(walk: Walk, region: Region, value: Value, node: Node, scope: Scope) -> Value:
    """Keep what a function waits for, even if it takes no steps itself."""
    if region.awaits:
        place = place_of(node, scope.path)
        walk.entries.append(Await(tokens=frozenset(region.awaits), how="", place=place))
    return value


def _value_of(walk: Walk, function: Function, values: Sequence[Value]) -> Value:
    node = function.node
    is_short = node.end_byte - node.start_byte <= _MAX_QUIET
    if not is_short or _is_open(walk, function, values) or len(walk.frames) >= MAX_CALLS:
        return None
    with walk.quietly():
        return region_of_call(walk, function, values)[1]


def _is_open(walk: Walk, function: Function, values: Sequence[Value]) -> bool:
    """Whether a function is being read already, with the same functions as arguments."""
    functions = _functions_in(values)
    return any(
        frame.function.node.id == function.node.id
        and frame.function.scope is function.scope
        and frame.arguments == functions
        for frame in walk.frames
    )


def _functions_in(values: Sequence[Value]) -> frozenset[int]:
    """Return the functions in the arguments of a call, also those in objects."""
    parts = list(values)
    parts += [
        part for value in values if isinstance(value, Fields) for part in value.names.values()
    ]
    return frozenset(part.node.id for part in parts if isinstance(part, Function))


def _again(walk: Walk, function: Function, node: Node, scope: Scope) -> Value:
    token = walk.new_token()
    walk.add(
        Item(
            kind="recursion",
            name=shown(node),
            about=f"runs {function.name or 'the function'} again",
            place=place_of(node, scope.path),
            tokens={token},
        )
    )
    return Promise(frozenset({token}))


def region_of_call(walk: Walk, function: Function, values: Sequence[Value]) -> tuple[Region, Value]:
    """Return what a function does when it is called with these values, and what it returns."""
    results: list[Value] = []
    region = walk.collect(
        lambda: results.append(_read(walk, function, values)), [function.node], function.scope
    )
    return region, results[0] if results else None


def _read(walk: Walk, function: Function, values: Sequence[Value]) -> Value:
    if _is_open(walk, function, values):
        return None
    node, inner = function.node, function.scope.function(function.this)
    frame = Frame(function, _functions_in(values))
    walk.frames.append(frame)
    try:
        bind_parameters(walk, _parameters(node), values, inner)
        body = node.child_by_field_name("body")
        value = walk.visit(body, inner)
        if body is not None and body.type != "statement_block":
            frame.returned.append(value)
        returned = choice((str(at), each) for at, each in enumerate(frame.returned))
        only = frame.returned[0] if len(frame.returned) == 1 else returned
        return walk.wait_for(only, node, inner) if is_async(node) else only
    finally:
        walk.frames.pop()


def _parameters(node: Node) -> list[Node]:
    single = node.child_by_field_name("parameter")
    return [single] if single is not None else children_of(node.child_by_field_name("parameters"))


def _item(region: Region, function: Function, node: Node, scope: Scope) -> Item | None:
    """Return what a call does as one item: a frame with the function's name if it is more than one."""
    items = [inner for item in region.items for inner in unpacked(item)]
    if not takes_steps(items):
        return None
    is_frame = has_return(items) or any(map(has_recursion, items))
    if len(items) == 1 and not is_frame:
        items[0].tokens |= region.tokens
        items[0].awaits |= region.awaits
        return items[0]
    name = function.name or _called_name(node)
    is_elsewhere = function.scope.path != scope.path
    return Item(
        kind="function" if name or is_frame else SEQUENCE,
        name=name or "function",
        about=f"in {function.scope.path}" if is_elsewhere else "",
        place=place_of(node, scope.path),
        arms=[Arm(label="", items=items)],
        owns_returns=True,
        tokens=set(region.tokens),
        awaits=set(region.awaits),
    )


def _called_name(node: Node) -> str:
    """Return the name under which a function is called."""
    callee = node.child_by_field_name("function")
    if callee is not None and callee.type == "member_expression":
        callee = callee.child_by_field_name("property")
    is_name = callee is not None and callee.type.endswith("identifier")
    return text(callee) if callee is not None and is_name else ""


def packed(region: Region, node: Node, scope: Scope) -> Item | None:
    """Return what a region does as one item."""
    items = region.items
    if not items:
        return None
    if len(items) == 1:
        items[0].tokens |= region.tokens
        items[0].awaits |= region.awaits
        return items[0]
    return Item(
        kind=SEQUENCE,
        name="",
        place=place_of(node, scope.path),
        arms=[Arm(label="", items=items)],
        tokens=set(region.tokens),
        awaits=set(region.awaits),
    )
