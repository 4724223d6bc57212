"""Reads calls of the step object: `do`, `sleep`, `sleepUntil` and `waitForEvent`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from tree_sitter import Node

from workflows.codegen.syntax.tree_nodes import children_of, text
from workflows.ir.document.node_labels import first_line
from workflows.picture.from_code.items import Arm, Item, Pattern, takes_steps
from workflows.picture.from_code.reader.files import FUNCTIONS
from workflows.picture.from_code.reader.inlining import region_of_call
from workflows.picture.from_code.reader.members import key_of
from workflows.picture.from_code.reader.source_text import (
    parts_shown,
    place_of,
    shown,
    template_parts,
    unwrapped,
)
from workflows.picture.from_code.reader.values import (
    Choice,
    Fields,
    Function,
    Promise,
    Scope,
    Value,
    patterns_of,
)
from workflows.picture.from_code.reader.walk import Walk

_KINDS: Final = {
    "do": "do",
    "sleep": "sleep",
    "sleepUntil": "sleep_until",
    "waitForEvent": "wait_for_event",
}
_RETRIES: Final = ("limit", "delay", "backoff")
_NAMES: Final = frozenset({"identifier", "member_expression"})
_OPENED: Final = frozenset({"return {", "return [", "return (", "return ({"})
"""Lines that say nothing without the next ones."""
_JOINED: Final = 120  # characters of these lines together
_CODE: Final = 4_000  # characters of a callback in which the first line is looked for


def add_step(
    walk: Walk,
    method: str,
    arguments: Sequence[Node],
    values: Sequence[Value],
    node: Node,
    scope: Scope,
) -> Value:
    """Add the step that a call takes; return its promise."""
    if method not in _KINDS:
        walk.add_code(node, scope)
        return None
    token = walk.new_token()
    item = Item(
        kind=_KINDS[method],
        name=_shown_name(arguments[0] if arguments else None, values),
        names=_names(values),
        place=place_of(node, scope.path),
        about=_about(method, arguments, values),
        tokens={token},
    )
    if method == "do":
        _read_options(item, arguments, values)
        _read_callback(walk, item, values)
    walk.add(item)
    return Promise(frozenset({token}))


def _read_callback(walk: Walk, item: Item, values: Sequence[Value]) -> None:
    """Read the steps that the work of a step takes itself."""
    regions = [
        region_of_call(walk, function, [])[0]
        for value in values[1:]
        for function in _functions_of(value)
        if walk.carries(function)
    ]
    found = sorted(regions, key=lambda region: -len(_step_names(region.items)))
    known: set[Pattern] = set()
    for region in found:
        names = _step_names(region.items)
        if takes_steps(region.items) and not (names and names <= known):
            item.arms.append(Arm(label="inside the step", items=region.items))
            item.awaits |= region.awaits
            known |= names


def _functions_of(value: Value) -> Iterator[Function]:
    """Yield the functions that a value can be."""
    if isinstance(value, Function):
        yield value
    elif isinstance(value, Choice):
        yield from (part for _, part in value.values if isinstance(part, Function))


def _step_names(items: Iterable[Item]) -> set[Pattern]:
    """Return the names of all steps in the items, at any depth."""
    names: set[Pattern] = set()
    for item in items:
        names.update(item.names)
        for arm in item.arms:
            names |= _step_names(arm.items)
    return names


def _names(values: Sequence[Value]) -> tuple[Pattern, ...]:
    return tuple(dict.fromkeys(patterns_of(values[0] if values else None)))


def _shown_name(node: Node | None, values: Sequence[Value]) -> str:
    """Return the name of a step as a person would read it in the code."""
    patterns = _names(values)
    if node is None:
        return "a step"
    inner = unwrapped(node)
    if len(patterns) > 1 or patterns[0] == (None,):
        return shown(inner)
    if inner.type == "template_string" and None in patterns[0]:
        return _template_shown(inner)
    return parts_shown(patterns[0])


def _template_shown(node: Node) -> str:
    parts = (
        part if isinstance(part, str) else f"${{{shown(part)}}}" for part in template_parts(node)
    )
    return "".join(parts)


def _about(method: str, arguments: Sequence[Node], values: Sequence[Value]) -> str:
    """Return what a step does or waits for, in a few words."""
    if method == "do":
        return _callback_shown(arguments, values)
    second = arguments[1] if len(arguments) > 1 else None
    value = values[1] if len(values) > 1 else None
    if method == "waitForEvent" and isinstance(value, Fields):
        kind, timeout = (_shown_value(value.names.get(name)) for name in ("type", "timeout"))
        return f"{kind or 'an event'}, up to {timeout}" if timeout else kind
    known = _shown_value(value)
    return known or (shown(second) if second is not None else "")


def _shown_value(value: Value) -> str:
    """Return a text or a number, "" for one that is not known."""
    patterns = list(patterns_of(value))
    parts = patterns[0] if len(patterns) == 1 else (None,)
    return "" if parts == (None,) else parts_shown(parts)


def _callback_shown(arguments: Sequence[Node], values: Sequence[Value]) -> str:
    """Return the first line of a callback, or the name of the function that is passed."""
    for argument, value in zip(arguments[1:], values[1:], strict=False):
        inner = unwrapped(argument)
        if inner.type in FUNCTIONS:
            return _first_line(inner)
        if isinstance(value, Function) or (inner.type in _NAMES and value is None):
            return shown(_wrapped(inner))
    return ""


def _wrapped(node: Node) -> Node:
    """Return the function that a call such as `traced(work)` adds something to, or the node itself."""
    arguments = children_of(node.child_by_field_name("arguments"))
    return arguments[0] if len(arguments) == 1 and arguments[0].type in _NAMES else node


def _first_line(function: Node) -> str:
    body = function.child_by_field_name("body")
    if body is None:
        return ""
    source = text(body)[:_CODE]
    source = source[1:-1] if body.type == "statement_block" else source
    line = first_line(source)
    if line in _OPENED:
        line = " ".join(source[source.index(line) :].split())[:_JOINED]
    return line.removeprefix("return ").removeprefix("await ").removesuffix(";")


def _read_options(item: Item, arguments: Sequence[Node], values: Sequence[Value]) -> None:
    """Read retries, timeout and rollback, as far as they are written as literals."""
    for argument, value in zip(arguments[1:], values[1:], strict=False):
        if not isinstance(value, Fields):
            continue
        sources = _sources(unwrapped(argument))
        item.config |= {
            name: shown_ for name, part in value.names.items()
            if name in ("timeout", "sensitive")
            and (shown_ := _shown_value(part) or sources.get(name, ""))
        }  # fmt: skip
        retries = value.names.get("retries")
        if isinstance(retries, Fields):
            item.config |= {
                name: shown_ for name in _RETRIES if (shown_ := _retry(retries, name, sources))
            }
        if "rollback" in value.names:
            item.config["rollback"] = sources.get("rollback", "rollback")


def _retry(retries: Fields, name: str, sources: Mapping[str, str]) -> str:
    known = _shown_value(retries.names.get(name))
    return known or (sources.get(f"retries.{name}", "") if name in retries.names else "")


def _sources(node: Node, prefix: str = "") -> dict[str, str]:
    """Return the values in an object literal as they are written, by their path."""
    found: dict[str, str] = {}
    for part in node.named_children if node.type == "object" else ():
        key = key_of(part.child_by_field_name("key") or part.child_by_field_name("name"))
        value = part.child_by_field_name("value")
        found[prefix + key] = shown(value if value is not None else part)
        if value is not None and not prefix:
            found |= _sources(unwrapped(value), f"{key}.")
    return found
