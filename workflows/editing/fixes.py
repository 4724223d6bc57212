"""Operations that fix a problem, offered next to the problem.

Each operation is first tried on the document, and only offered if it removes the problem without
causing another error. Problems that only the compiler finds are fixed as the compiler suggests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from workflows.editing.content import value_of
from workflows.editing.document.refusals import Refused
from workflows.editing.document.text_positions import position_of
from workflows.editing.document.workbench import JsonObject, OpenDocument
from workflows.editing.operations import perform
from workflows.ir.reading.problems import Problem
from workflows.ir.settings.setting_field import fields_by_name

_NAME: Final = r"[A-Za-z_$][\w$]*"
_SUGGESTION: Final = re.compile(
    rf"(?:Cannot find name|Property|properties, but|member) '({_NAME})'.* Did you mean(?: to write)? '({_NAME})'\?"
)
_OPTIONAL: Final = re.compile(rf"({_NAME}) is undefined if .*: write `({_NAME})\?\.", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """The label of a button, with code in backticks, and the operation that the button performs."""

    label: str
    operation: JsonObject


def fix_of(opened: OpenDocument, problem: Problem) -> Fix | None:
    """Return the fix for a problem in the settings of a node; None if there is not exactly one."""
    node = opened.draft.nodes.get(problem.node_id)
    path = problem.path.removeprefix(f"nodes.{problem.node_id}.")
    if node is None or path == problem.path:
        return None
    if problem.line:
        return _spelling(opened, problem, path)
    if optional := _OPTIONAL.search(problem.message):
        return _optional_chaining(opened, problem, path, optional[1])
    root, _, name = path.partition(".")
    if root != "data" or name not in _data_of(opened, problem.node_id):
        return None
    field = fields_by_name(node.type.fields).get(name)
    if field is None:
        label = f"Remove `{name}`"
    elif field.default is not None or not field.required:
        label = f"Use the default, {_shown(field.default)}"
        label = label if field.default is not None else f"Leave out `{name}`"
    else:
        return None
    operation = {"type": "configure", "node": problem.node_id, "field": path}
    return Fix(label=label, operation=operation) if _mends(opened, operation, problem) else None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _data_of(opened: OpenDocument, node_id: str) -> JsonObject:
    data = _item(opened, node_id).get("data")
    return data if isinstance(data, dict) else {}


def _item(opened: OpenDocument, node_id: str) -> JsonObject:
    items: list[JsonObject] = opened.document["nodes"]
    return next(item for item in items if item["id"] == node_id)


def _mends(opened: OpenDocument, operation: JsonObject, problem: Problem) -> bool:
    try:
        edited = perform(opened, operation).opened
    except Refused:
        return False
    return edited.errors <= opened.errors and problem not in edited.parsed.problems


def _spelling(opened: OpenDocument, problem: Problem, path: str) -> Fix | None:
    """Return the fix for a misspelled name, if the compiler suggests a similar name."""
    suggested = _SUGGESTION.search(problem.message)
    if suggested is None:
        return None
    position = problem.line, problem.column
    return _replacement(
        opened, problem, path, position=position, name=suggested[1], new_name=suggested[2]
    )


def _optional_chaining(opened: OpenDocument, problem: Problem, path: str, name: str) -> Fix | None:
    """Return the fix for a property of a value that may be undefined."""
    source = value_of(_item(opened, problem.node_id), path.split("."))
    if not isinstance(source, str):
        return None
    line, column = problem.position
    at = sum(len(each) + 1 for each in source.split("\n")[: line - 1]) + column - 1
    following = source[at + len(name) : at + len(name) + 1]
    if following not in (".", "["):
        return None
    new_name = f"{name}?" if following == "." else f"{name}?."
    position = position_of(source, at)
    return _replacement(opened, problem, path, position=position, name=name, new_name=new_name)


def _replacement(
    opened: OpenDocument,
    problem: Problem,
    path: str,
    *,
    position: tuple[int, int],
    name: str,
    new_name: str,
) -> Fix | None:
    operation = {
        "type": "replace_name",
        "node": problem.node_id,
        "field": path,
        "line": position[0],
        "column": position[1],
        "name": name,
        "new_name": new_name,
    }
    try:
        perform(opened, operation)
    except Refused:
        return None
    label = f"{name}?." if new_name.startswith(f"{name}?") else new_name
    return Fix(label=f"Use `{label}`", operation=operation)
