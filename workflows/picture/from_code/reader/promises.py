"""Reads calls of `Promise.all` and the like, and of `then`, `catch` and `finally`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of
from workflows.picture.from_code.items import SEQUENCE, Arm, Await, Item
from workflows.picture.from_code.reader.concurrency import Region, unpacked
from workflows.picture.from_code.reader.inlining import packed, region_of_call
from workflows.picture.from_code.reader.source_text import place_of, unwrapped
from workflows.picture.from_code.reader.values import (
    Function,
    Items,
    Promise,
    Scope,
    Value,
    tokens_of,
)
from workflows.picture.from_code.reader.walk import Walk

COMBINATORS: Final = frozenset({"all", "allSettled", "race", "any"})


def is_promise_class(walk: Walk, node: Node, scope: Scope) -> bool:
    """Whether an expression is the global `Promise`."""
    return node.type == "identifier" and node.text == b"Promise" and not scope.has("Promise")


def combine(walk: Walk, name: str, node: Node, scope: Scope) -> Value:
    """Read a call of a static method of `Promise`."""
    arguments = children_of(node.child_by_field_name("arguments"))
    if name not in COMBINATORS:
        values = walk.visit_all(arguments, scope)
        return values[0] if values else None
    first = unwrapped(arguments[0]) if arguments else None
    if first is not None and first.type == "array":
        values = [_element(walk, part, scope) for part in children_of(first)]
    else:
        values = [walk.visit(first, scope)]
    tokens = frozenset().union(*map(tokens_of, values))
    return Promise(tokens, name, _results(values)) if tokens else None


def _element(walk: Walk, node: Node, scope: Scope) -> Value:
    """Read one of several expressions whose promises are awaited together."""
    values: list[Value] = []
    region = walk.collect(lambda: values.append(walk.visit(node, scope)), [node], scope)
    value = values[0] if values else None
    item = packed(region, node, scope)
    if item is not None and not item.tokens:
        for part in unpacked(item):
            walk.add(part)
    elif item is not None:
        walk.add(item)
        value = value if tokens_of(value) else Promise(frozenset(item.tokens), result=value)
    elif region.awaits:
        place = place_of(node, scope.path)
        walk.entries.append(Await(tokens=frozenset(region.awaits), how="", place=place))
    return value


def _results(values: Sequence[Value]) -> Value:
    return Items([value.result if isinstance(value, Promise) else None for value in values])


def call_promise(walk: Walk, receiver: Promise, name: str, node: Node, scope: Scope) -> Value:
    """Read a call of `then`, `catch` or `finally` of a promise."""
    arguments = children_of(node.child_by_field_name("arguments"))
    values = walk.visit_all(arguments, scope)
    regions: list[Region] = []
    result: Value = receiver.result if name != "then" else None
    for value in values:
        region = Region([], set(), set())
        if isinstance(value, Function):
            region, returned = region_of_call(walk, value, [receiver.result])
            result = result if name != "then" else returned
        regions.append(region)
    if not any(region.items for region in regions) and name != "catch":
        return receiver
    started = _take_started(walk, receiver)
    if not started and name == "catch" and not any(region.items for region in regions):
        return receiver
    return _chained(walk, receiver, name, (started, regions), node, scope, result)


def _take_started(walk: Walk, receiver: Promise) -> list[Item]:
    """Remove the last items from what has been read, if they are the work of these promises."""
    taken: list[Item] = []
    while walk.entries:
        last = walk.entries[-1]
        if not isinstance(last, Item) or not last.tokens & receiver.tokens:
            break
        taken.insert(0, last)
        walk.entries.pop()
    return taken


def _chained(
    walk: Walk,
    receiver: Promise,
    name: str,
    parts: tuple[list[Item], list[Region]],
    node: Node,
    scope: Scope,
    result: Value,
) -> Value:
    """Add the work of a promise together with what happens after it."""
    started, regions = parts
    token, place = walk.new_token(), place_of(node, scope.path)
    first = [inner for item in started for inner in unpacked(item)]
    after = regions[0].items if regions else []
    failed = regions[1].items if len(regions) > 1 else []
    if name == "then":
        arms = [Arm(label="try", items=[*first, *after])]
        arms += [Arm(label="catch", items=failed)] if failed else []
    else:
        arms = [Arm(label="try", items=first), Arm(label=name, items=after)]
    is_plain = len(arms) == 1
    walk.add(
        Item(
            kind=SEQUENCE if is_plain else "try",
            name="" if is_plain else " … ".join(arm.label for arm in arms),
            place=place,
            arms=arms,
            tokens={token, *receiver.tokens} if started else {token},
            awaits=set() if started else set(receiver.tokens),
        )
    )
    return Promise(frozenset({token}), result=result)
