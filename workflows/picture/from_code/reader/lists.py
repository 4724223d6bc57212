"""Reads calls of methods of lists: loops such as `map`, and what adds to a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of
from workflows.picture.from_code.reader.containers import add_container, item_of
from workflows.picture.from_code.reader.inlining import region_of_call
from workflows.picture.from_code.reader.source_text import shown
from workflows.picture.from_code.reader.values import (
    Fields,
    Function,
    Items,
    Promise,
    Scope,
    Text,
    Value,
)
from workflows.picture.from_code.reader.walk import Walk

_LOOPS: Final = frozenset(
    {
        "map",
        "forEach",
        "flatMap",
        "filter",
        "some",
        "every",
        "find",
        "reduce",
        "reduceRight",
        "from",
    }
)
_ONE_BY_ONE: Final = frozenset({"reduce", "reduceRight"})
_ADDING: Final = frozenset({"push", "unshift"})
_OF_OBJECTS: Final = frozenset({"keys", "values", "entries"})
_SAME: Final = frozenset({"flat", "slice", "concat", "reverse", "values"})


def call_list(
    walk: Walk,
    holder: Node,
    receiver: Value,
    name: str,
    values: Sequence[Value],
    node: Node,
    scope: Scope,
) -> Value:
    """Read a call of a method of a list; None if it is not one that matters."""
    if (
        holder.text == b"Object"
        and name in _OF_OBJECTS
        and values
        and isinstance(values[0], Fields)
    ):
        return _of_object(values[0], name)
    if isinstance(receiver, Items) and name in _ADDING:
        receiver.values += values
        return receiver
    if isinstance(receiver, Items) and name in _SAME:
        return Items([*receiver.values, *values])
    if name not in _LOOPS:
        return None
    at = 1 if name == "from" else 0
    function = values[at] if len(values) > at else None
    if not isinstance(function, Function) or not walk.carries(function):
        return None
    source = holder
    if at:
        source = children_of(node.child_by_field_name("arguments"))[0]
    return _loop(walk, function, name, source, receiver if not at else None, node, scope)


def _of_object(fields: Fields, name: str) -> Items:
    """Return the keys, the values or both of an object."""
    if name == "keys":
        return Items([Text((key,)) for key in fields.names])
    if name == "values":
        return Items([*fields.names.values()])
    return Items([Items([Text((key,)), value]) for key, value in fields.names.items()])


def _loop(
    walk: Walk,
    function: Function,
    name: str,
    source: Node,
    receiver: Value,
    node: Node,
    scope: Scope,
) -> Value:
    """Read a function that is called for each item of a list."""
    is_one_by_one = name in _ONE_BY_ONE
    item = item_of(receiver)
    arguments = [None, item] if is_one_by_one else [item]
    region, value = region_of_call(walk, function, arguments)
    if not region.items:
        return Items()
    shown_item = _parameter(function.node, 1 if is_one_by_one else 0)
    label = f"for each {shown_item}" + ("" if is_one_by_one else ", in parallel")
    kind = "loop" if is_one_by_one else "parallel_loop"
    token = walk.new_token()
    loop = add_container(
        walk, kind, f"{shown_item} of {shown(source)}", node, scope, [(label, region, False)]
    )
    loop.owns_returns = True
    loop.tokens.add(token)
    promise = Promise(frozenset(loop.tokens), result=value)
    return promise if is_one_by_one else Items([promise])


def _parameter(function: Node, at: int) -> str:
    single = function.child_by_field_name("parameter")
    parameters = children_of(function.child_by_field_name("parameters"))
    chosen = [single] if single is not None else parameters[at:]
    names = [shown(each.child_by_field_name("pattern") or each) for each in chosen]
    return next((name for name in names if not name.startswith("_")), "item")
