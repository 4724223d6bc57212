"""Reads calls: of the step object, of functions of the project, and of anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import Arm, Item
from workflows.picture.from_code.reader.containers import add_container
from workflows.picture.from_code.reader.inlining import call, region_of_call
from workflows.picture.from_code.reader.lists import call_list
from workflows.picture.from_code.reader.members import member, method, super_class
from workflows.picture.from_code.reader.promises import call_promise, combine, is_promise_class
from workflows.picture.from_code.reader.source_text import place_of, shown, unwrapped
from workflows.picture.from_code.reader.step_calls import add_step
from workflows.picture.from_code.reader.values import (
    Choice,
    Class,
    Fields,
    Function,
    Imported,
    Items,
    MaybeStep,
    Promise,
    Scope,
    Step,
    StepMethod,
    Text,
    Value,
    tokens_of,
)
from workflows.picture.from_code.reader.walk import Handler, Walk


def _call(walk: Walk, node: Node, scope: Scope) -> Value:
    callee = node.child_by_field_name("function")
    if callee is None:
        return None
    callee = unwrapped(callee)
    match callee.type:
        case "await_expression" if children_of(callee):  # how `await f<T>(x)` is parsed
            value = _call_of(walk, unwrapped(children_of(callee)[0]), node, scope)
            return walk.wait_for(value, node, scope)
    return _call_of(walk, callee, node, scope)


def _call_of(walk: Walk, callee: Node, node: Node, scope: Scope) -> Value:
    match callee.type:
        case "member_expression":
            return _member_call(walk, callee, node, scope)
        case "import":
            return _dynamic_import(walk, node, scope)
        case "super":
            constructor = _of_super(walk, "constructor", scope)
            return _called(walk, constructor, node, scope)
    return _called(walk, walk.visit(callee, scope), node, scope)


def _member_call(walk: Walk, callee: Node, node: Node, scope: Scope) -> Value:
    object_, property_ = (callee.child_by_field_name(name) for name in ("object", "property"))
    if object_ is None or property_ is None:
        return None
    name, holder = text(property_), unwrapped(object_)
    if is_promise_class(walk, holder, scope):
        return combine(walk, name, node, scope)
    if holder.type == "super":
        return _called(walk, _of_super(walk, name, scope), node, scope)
    receiver = walk.visit(holder, scope)
    if isinstance(receiver, Promise) and name in ("then", "catch", "finally"):
        return call_promise(walk, receiver, name, node, scope)
    if isinstance(receiver, Function) and name in ("call", "bind"):
        _, values = arguments_of(walk, node, scope)
        return receiver if name == "bind" else call(walk, receiver, values[1:], node, scope)
    value = member(walk, receiver, name)
    if value is not None:
        return _called(walk, value, node, scope)
    _, values = arguments_of(walk, node, scope)
    listed = call_list(walk, holder, receiver, name, values, node, scope)
    return listed or _unknown_call(walk, values, node, scope, receiver)


def _of_super(walk: Walk, name: str, scope: Scope) -> Value:
    this = scope.this
    type_ = super_class(walk, this.type) if isinstance(this, Fields) and this.type else None
    return method(walk, type_, name, this=this)


def arguments_of(walk: Walk, node: Node, scope: Scope) -> tuple[list[Node], list[Value]]:
    """Read the arguments of a call; those of a spread list that is known are separate ones."""
    arguments: list[Node] = []
    values: list[Value] = []
    for argument in children_of(node.child_by_field_name("arguments")):
        value = walk.visit(argument, scope)
        is_spread = argument.type == "spread_element" and isinstance(value, Items)
        parts = value.values if is_spread and isinstance(value, Items) else [value]
        arguments += [argument] * len(parts)
        values += parts
    return arguments, values


def _called(walk: Walk, value: Value, node: Node, scope: Scope) -> Value:
    """Read the call of a value that is known, or of any other."""
    arguments, values = arguments_of(walk, node, scope)
    match value:
        case StepMethod(name=name):
            return add_step(walk, name, arguments, values, node, scope)
        case Function():
            return call(walk, value, values, node, scope)
        case Choice(values=choices) if any(isinstance(each, Function) for _, each in choices):
            return _call_one_of(walk, choices, values, node, scope)
    return _unknown_call(walk, values, node, scope)


def _call_one_of(
    walk: Walk,
    choices: Sequence[tuple[str, Value]],
    values: Sequence[Value],
    node: Node,
    scope: Scope,
) -> Value:
    """Read the call of one of several functions, such as `handlers[kind](step)`."""
    functions = [(key, each) for key, each in choices if isinstance(each, Function)]
    regions = [
        (
            (key.isdigit() and each.name) or key,
            walk.collect(partial(call, walk, each, values, node, scope), [node], scope),
            False,
        )
        for key, each in functions
    ]
    callee = node.child_by_field_name("function")
    item = add_container(walk, "switch", shown(callee or node), node, scope, regions)
    return Promise(frozenset(item.tokens)) if item.tokens else None


def _unknown_call(
    walk: Walk, values: Sequence[Value], node: Node, scope: Scope, receiver: Value = None
) -> Value:
    """Read a call of which it is not known what it does with the step object, if it gets it."""
    tokens = frozenset().union(*map(tokens_of, (*values, receiver)))
    carrying = [value for value in values if walk.carries(value)]
    if not carrying:
        return Promise(tokens) if tokens else None
    token = walk.new_token()
    item = _callbacks(walk, carrying, node, scope)
    if item.arms:
        item.tokens.add(token)
        walk.add(item)
    else:
        walk.add_code(node, scope)
    has_step = any(isinstance(value, Step) for value in values)
    return Promise(tokens | {token}, result=MaybeStep() if has_step else None)


def _callbacks(walk: Walk, values: Sequence[Value], node: Node, scope: Scope) -> Item:
    """Return a frame with what the functions do that an unknown function may call."""
    callee = node.child_by_field_name("function") or node.child_by_field_name("constructor")
    item = Item(
        kind="callback",
        name=f"{shown(callee or node)}(…)",
        about="may call this any number of times",
        place=place_of(node, scope.path),
        owns_returns=True,
    )
    for value in values:
        if isinstance(value, Function):
            region, _ = region_of_call(walk, value, [])
            if region.items:
                item.arms.append(Arm(label=value.name, items=region.items))
                item.awaits |= region.awaits
    return item


def _dynamic_import(walk: Walk, node: Node, scope: Scope) -> Value:
    _, values = arguments_of(walk, node, scope)
    match values:
        case [Text(parts=(str() as specifier,))]:
            return walk.imported(Imported(scope.path, specifier, "*"))
    return None


def _new(walk: Walk, node: Node, scope: Scope) -> Value:
    constructor = node.child_by_field_name("constructor")
    type_ = walk.visit(constructor, scope) if constructor is not None else None
    _, values = arguments_of(walk, node, scope)
    if not isinstance(type_, Class):
        value = _unknown_call(walk, values, node, scope)
        return value.result if isinstance(value, Promise) else None
    instance = Fields(type=type_)
    own = method(walk, type_, "constructor", this=instance)
    if isinstance(own, Function):
        region_of_call(walk, own, values)
    return instance


HANDLERS: Final[Mapping[str, Handler]] = {"call_expression": _call, "new_expression": _new}
