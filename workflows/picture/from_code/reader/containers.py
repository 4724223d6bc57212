"""Reads statements that contain others: conditions, loops, error handlers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.picture.from_code.items import Arm, Item
from workflows.picture.from_code.reader.concurrency import Region
from workflows.picture.from_code.reader.expressions import OTHERWISE, YES
from workflows.picture.from_code.reader.patterns import bind
from workflows.picture.from_code.reader.source_text import literal_text, place_of, shown, unwrapped
from workflows.picture.from_code.reader.statements import read_block
from workflows.picture.from_code.reader.values import Items, Promise, Scope, Value, choice
from workflows.picture.from_code.reader.walk import Handler, Walk

_Case = tuple[str, Region, bool]
"""A label, what happens, and whether it is what happens otherwise."""
_LEAVING: Final = frozenset(
    {"break_statement", "return_statement", "throw_statement", "continue_statement"}
)


def add_container(
    walk: Walk, kind: str, name: str, node: Node, scope: Scope, arms: Sequence[_Case]
) -> Item:
    """Add a container and return it."""
    item = Item(
        kind=kind,
        name=name,
        place=place_of(node, scope.path),
        arms=[
            Arm(label=label, items=region.items, is_else=is_else) for label, region, is_else in arms
        ],
        tokens={token for _, region, _ in arms for token in region.tokens},
        awaits={token for _, region, _ in arms for token in region.awaits},
    )
    walk.add(item)
    return item


def _if(walk: Walk, node: Node, scope: Scope) -> None:
    walk.visit(node.child_by_field_name("condition"), scope)
    conditions: list[str] = []
    regions: list[Region] = []
    has_else = False
    part: Node | None = node
    while part is not None:
        conditions.append(_condition(part))
        regions.append(walk.region(part.child_by_field_name("consequence"), scope=scope.inner()))
        other = _alternative(part)
        part = other if other is not None and _can_follow(walk, other, scope) else None
        if other is not None and part is None:
            regions.append(walk.region(other, scope=scope.inner()))
            has_else = True
    if len(conditions) == 1:
        labels, name = [YES], conditions[0]
    else:
        labels, name = conditions, "if … else if" + (" … else" if has_else else "")
    cases = [*zip(labels, regions, [False] * len(labels), strict=False)]
    cases += [(OTHERWISE, regions[-1], True)] if has_else else []
    add_container(walk, "branch", name, node, scope, cases)


def _condition(node: Node) -> str:
    condition = node.child_by_field_name("condition")
    return shown(unwrapped(condition)) if condition is not None else "…"


def _alternative(node: Node) -> Node | None:
    clause = node.child_by_field_name("alternative")
    return next(iter(children_of(clause)), None)


def _can_follow(walk: Walk, node: Node, scope: Scope) -> bool:
    """Whether an `else if` can be an arm like the others: testing its condition takes no step."""
    condition = node.child_by_field_name("condition")
    if node.type != "if_statement" or condition is None:
        return False
    return not walk.uses_step(condition, scope)


def _switch(walk: Walk, node: Node, scope: Scope) -> None:
    value = node.child_by_field_name("value")
    walk.visit(value, scope)
    inner = scope.inner()
    cases = _cases(node)
    item = Item(
        kind="switch",
        name=shown(unwrapped(value)) if value is not None else "switch",
        place=place_of(node, scope.path),
        arms=[],
    )
    for at, (label, body, is_else) in enumerate(cases):
        region = walk.collect(partial(read_block, walk, body, inner), body, inner)
        falls = at + 1 < len(cases) and not _leaves(body) and not any(i.ends for i in region.items)
        item.arms.append(
            Arm(
                label=label,
                items=region.items,
                is_else=is_else,
                falls_to=at + 1 if falls else -1,
            )
        )
        item.tokens |= region.tokens
        item.awaits |= region.awaits
    walk.add(item)


def _cases(node: Node) -> list[tuple[str, list[Node], bool]]:
    """Return the label and the statements of each case; cases without statements join the next."""
    found: list[tuple[str, list[Node], bool]] = []
    labels: list[str] = []
    is_else = False
    for part in children_of(node.child_by_field_name("body")):
        value = part.child_by_field_name("value")
        labels.append(_case_label(value))
        is_else = is_else or part.type == "switch_default"
        body = [each for each in children_of(part) if each != value]
        if body:
            found.append((", ".join(labels), body, is_else))
            labels, is_else = [], False
    if labels:
        found.append((", ".join(labels), [], is_else))
    return found


def _case_label(value: Node | None) -> str:
    if value is None:
        return "default"
    return literal_text(value) if value.type == "string" else shown(value)


def _leaves(body: Sequence[Node]) -> bool:
    """Whether the statements of a case end with a statement that leaves it."""
    last = body[-1] if body else None
    while last is not None and last.type == "statement_block":
        last = next(iter(children_of(last)[-1:]), None)
    return last is not None and last.type in _LEAVING


def _for(walk: Walk, node: Node, scope: Scope) -> None:
    inner = scope.inner()
    parts = [node.child_by_field_name(name) for name in ("initializer", "condition", "increment")]
    walk.visit(parts[0], inner)
    sources = [shown(part).rstrip(" ;") if part is not None else "" for part in parts]
    region = walk.region(parts[1], node.child_by_field_name("body"), parts[2], scope=inner.inner())
    name = "; ".join(sources).rstrip("; ") if any(sources) else "until it is left"
    label = f"while {sources[1]}" if sources[1] else "repeats"
    add_loop(walk, name, label, node, scope, region)


def _for_in(walk: Walk, node: Node, scope: Scope) -> None:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    values = walk.visit(right, scope)
    inner = scope.inner()
    if left is not None:
        bind(walk, left, item_of(values), inner)
    region = walk.region(node.child_by_field_name("body"), scope=inner)
    item = shown(left) if left is not None else "item"
    operator = node.child_by_field_name("operator")
    source = shown(unwrapped(right)) if right is not None else ""
    name = f"{item} {text(operator) if operator is not None else 'of'} {source}"
    add_loop(walk, name, f"for each {item}", node, scope, region)


def item_of(values: Value) -> Value:
    """Return one of the items of a list, or of the keys of an object."""
    if isinstance(values, Items):
        items = (item.result if isinstance(item, Promise) else item for item in values.values)
        return choice((str(at), item) for at, item in enumerate(items))
    return None


def _while(walk: Walk, node: Node, scope: Scope) -> None:
    condition, body = (node.child_by_field_name(name) for name in ("condition", "body"))
    order = (condition, body) if node.type == "while_statement" else (body, condition)
    region = walk.region(*order, scope=scope.inner())
    source = shown(unwrapped(condition)) if condition is not None else ""
    is_endless = source == "true"
    name = "until it is left" if is_endless else f"while {source}"
    label = "repeats" if is_endless else "while condition holds"
    is_first = node.type == "while_statement" or is_endless
    add_loop(walk, name, label if is_first else f"once, then {label}", node, scope, region)


def add_loop(walk: Walk, name: str, label: str, node: Node, scope: Scope, region: Region) -> Item:
    """Add a loop; one whose iterations do not wait for each other is a parallel loop."""
    is_parallel = bool(region.items) and all(item.tokens for item in region.items)
    if is_parallel:
        return add_container(
            walk, "parallel_loop", name, node, scope, [(f"{label}, in parallel", region, False)]
        )
    return add_container(walk, "loop", name, node, scope, [(label, region, False)])


def _try(walk: Walk, node: Node, scope: Scope) -> None:
    body, handler, finalizer = (
        node.child_by_field_name(name) for name in ("body", "handler", "finalizer")
    )
    cases: list[_Case] = [("try", walk.region(body, scope=scope), False)]
    if handler is not None:
        cases.append(("catch", _catch(walk, handler, scope), False))
    if finalizer is not None:
        inner = finalizer.child_by_field_name("body")
        cases.append(("finally", walk.region(inner, scope=scope), False))
    add_container(walk, "try", _try_name(cases), node, scope, cases)


def _catch(walk: Walk, handler: Node, scope: Scope) -> Region:
    inner = scope.inner()
    parameter = handler.child_by_field_name("parameter")
    if parameter is not None:
        bind(walk, parameter, None, inner)
    return walk.region(handler.child_by_field_name("body"), scope=inner)


def _try_name(cases: Iterable[_Case]) -> str:
    return " … ".join(label for label, _, _ in cases)


HANDLERS: Final[Mapping[str, Handler]] = {
    "if_statement": _if,
    "switch_statement": _switch,
    "for_statement": _for,
    "for_in_statement": _for_in,
    "while_statement": _while,
    "do_statement": _while,
    "try_statement": _try,
}
