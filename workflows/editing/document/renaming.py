"""Changes the ids of nodes, and rewrites their uses in references and in code."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

from workflows.codegen.syntax.bounded_parser import syntax_of
from workflows.ir.document.model import Node
from workflows.ir.reading.fields import Code
from workflows.ir.reading.references import references_in

JsonObject = dict[str, Any]
_SHORTHAND = "shorthand_property_identifier"


def with_new_ids(
    item: JsonObject, node: Node, ids: Mapping[str, str], variables: Mapping[str, str]
) -> JsonObject:
    """Return the node as JSON with its own id and all uses of the nodes in `ids` replaced.

    `variables` maps the old names of these nodes in code to the new ones. `node` is the node as it
    was read from the JSON.
    """
    codes = {code.path: code for code in node.fields if isinstance(code, Code)}
    renamed = {**item, "id": ids.get(item["id"], item["id"])}
    for member in ("data", "config"):
        if member in item:
            renamed[member] = _renamed(item[member], member, ids, variables, codes)
    return renamed


def _renamed(
    value: Any,
    path: str,
    ids: Mapping[str, str],
    variables: Mapping[str, str],
    codes: Mapping[str, Code],
) -> Any:
    match value:
        case str() if path in codes and codes[path].source == value:
            return _in_code(codes[path], ids, variables)
        case str():
            return _in_text(value, ids)
        case list():
            return [
                _renamed(part, f"{path}.{index}", ids, variables, codes)
                for index, part in enumerate(value)
            ]
        case dict():
            return {
                _in_text(key, ids): _renamed(part, f"{path}.{key}", ids, variables, codes)
                for key, part in value.items()
            }
        case _:
            return value


def _in_text(text: str, ids: Mapping[str, str]) -> str:
    references = [each for each in references_in(text) if each.root in ids]
    return _replaced(text, [_root(text, each.start, each.root, ids) for each in references])


def _root(text: str, start: int, root: str, ids: Mapping[str, str]) -> tuple[int, int, str]:
    at = text.index(root, start)
    return at, at + len(root), ids[root]


def _in_code(code: Code, ids: Mapping[str, str], variables: Mapping[str, str]) -> str:
    references = [
        _root(code.source, each.start, each.root, ids)
        for each in code.references
        if each.root in ids and each.root not in code.parameters
    ]
    return _replaced(code.source, sorted([*references, *_names(code, variables)]))


def _names(code: Code, variables: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Yield the character positions of the names that the code does not declare itself."""
    syntax = syntax_of(code)
    free = (syntax.free.keys() & variables.keys()) - set(code.parameters)
    offset = 1 if code.is_expression else 0
    ends = {reference.start: reference.end for reference in code.references}
    starts = sorted(ends)
    at_byte = start = 0
    for node in syntax.written_names:
        name = (node.text or b"").decode("utf-8", "replace")
        if name not in free:
            continue
        between = syntax.data[at_byte : node.start_byte - offset]
        at_byte, start = node.start_byte - offset, start + len(between.decode("utf-8", "replace"))
        before = bisect_right(starts, start)
        if before and start < ends[starts[before - 1]]:
            continue
        new = variables[name]
        yield start, start + len(name), f"{name}: {new}" if node.type == _SHORTHAND else new


def _replaced(text: str, replacements: list[tuple[int, int, str]]) -> str:
    pieces, position = [], 0
    for start, end, new in replacements:
        pieces += [text[position:start], new]
        position = end
    return "".join([*pieces, text[position:]])
