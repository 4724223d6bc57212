"""Operations on what nodes and documents contain."""

from __future__ import annotations

import re
from typing import Any, Final

from workflows.codegen.analysis.node_names import variables_of
from workflows.editing.arguments import Arguments
from workflows.editing.arms import set_arms
from workflows.editing.document.refusals import Refused
from workflows.editing.document.renaming import with_new_ids
from workflows.editing.document.text_positions import is_name_at, offset_of
from workflows.editing.document.tree import locations
from workflows.editing.document.workbench import JsonObject, Workbench
from workflows.editing.outcome import EVERYTHING, Outcome
from workflows.editing.problem_places import BETWEEN
from workflows.ir.document.model import MAX_ID_LENGTH
from workflows.ir.reading.identifiers import is_identifier
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.raw_values import MAX_DEPTH
from workflows.ir.settings.field_labels import labels_at
from workflows.nodes import branch

_FIELD: Final = re.compile(rf"(data|config)(\.[^.]+){{1,{MAX_DEPTH}}}")
_MAX_DIGITS: Final = 9  # of an item's index
_ABSENT: Final = object()
REPLACED: Final = "Edited the document as text"
REPAIRED: Final = "Repaired the connections"


def rename(bench: Workbench, arguments: Arguments) -> Outcome:
    """Give `node` another `name`; an id that was derived from the old name changes too, unless it is used."""
    node_id, name = arguments.text("node"), arguments.text("name").strip()
    bench.locate(node_id)
    if problem := name_problem(name):
        raise Refused(f"The name {problem}.", node_id=node_id)
    old = bench.nodes[node_id]["name"]
    bench.update(node_id, name=name)
    new_id = _following_id(bench, node_id, old, name)
    if new_id != node_id:
        _change_id(bench, node_id, new_id)
    return Outcome(
        summary=f"Renamed \u201c{old}\u201d to \u201c{name}\u201d",
        touched=((node_id, "name"),),
        selected=new_id,
        renamed={node_id: new_id} if new_id != node_id else {},
    )


def _following_id(bench: Workbench, node_id: str, old: str, name: str) -> str:
    needs = bench.opened.needs
    is_used = any(node_id in each.outputs for each in needs.values())
    item = bench.nodes.pop(node_id)
    try:
        was_made = re.fullmatch(rf"{re.escape(bench.free_id(old))}[0-9]*", node_id) is not None
        is_free = was_made and not is_used
        return bench.free_id(name) if is_free else node_id
    finally:
        bench.nodes = _in_order(bench, node_id, item)


def _in_order(bench: Workbench, node_id: str, item: JsonObject) -> dict[str, JsonObject]:
    """Return the nodes, with one of them moved back to its place."""
    order = [node["id"] for node in bench.opened.document["nodes"]]
    nodes = {**bench.nodes, node_id: item}
    return {id_: nodes[id_] for id_ in [*filter(nodes.__contains__, order), *nodes]}


def set_id(bench: Workbench, arguments: Arguments) -> Outcome:
    """Change the id of `node`, which is its name in code, and every use of the id."""
    node_id, new_id = arguments.text("node"), arguments.text("id").strip()
    bench.locate(node_id)
    if not new_id or len(new_id) > MAX_ID_LENGTH or not is_identifier(new_id):
        raise Refused(
            "A name in code must consist of letters, digits, _ and $, without a digit at the start.",
            node_id=node_id,
        )
    if new_id != node_id and new_id in bench.nodes:
        raise Refused(f"There is already a node {quoted(new_id)}.", node_id=node_id)
    _change_id(bench, node_id, new_id)
    return Outcome(
        summary=f"Changed the id of {bench.called(new_id)} to {new_id}",
        touched=((node_id, ""),),
        selected=new_id,
        renamed={node_id: new_id},
    )


def _change_id(bench: Workbench, old: str, new: str) -> None:
    draft = bench.opened.draft
    variables = {variables_of(draft)[old]: new}
    bench.nodes = {
        ids.get(id_, id_): with_new_ids(item, draft.nodes[id_], ids, variables)
        if id_ == old or old in bench.opened.needs[id_].outputs
        else item
        for ids in ({old: new},)
        for id_, item in bench.nodes.items()
    }
    bench.types[new] = bench.types.pop(old)
    locations(bench.root)[old].block.node_id = new


def configure(bench: Workbench, arguments: Arguments) -> Outcome:
    """Set the `field` of `node`, a path such as `data.url`, to `value`; without `value`, remove it.

    With `changes`, a list of objects with `field` and `value`, several fields change together.
    """
    node_id = arguments.text("node")
    bench.locate(node_id)
    changes = arguments.objects("changes") if arguments.has("changes") else [arguments]
    fields = [change.text("field") for change in changes]
    for change, field in zip(changes, fields, strict=True):
        _set_field(bench, node_id, field, change.raw("value") if change.has("value") else _ABSENT)
    names = ", ".join(dict.fromkeys(_called(bench, node_id, field) for field in fields))
    return Outcome(
        summary=f"Changed {names} of {bench.called(node_id)}",
        touched=tuple((node_id, field) for field in fields),
        selected=node_id,
    )


def _called(bench: Workbench, node_id: str, field: str) -> str:
    """Return what the form calls a field, as inside a sentence: "code", but "URL"."""
    labels = labels_at(bench.types[node_id].fields, field)
    return BETWEEN.join(
        label if label[1:2].isupper() else label[:1].lower() + label[1:] for label in labels
    )


def replace_name(bench: Workbench, arguments: Arguments) -> Outcome:
    """Replace the `name` at `line` and `column` of the text in the `field` of `node` with `new_name`.

    Refused if the name is no longer there.
    """
    node_id, field = arguments.text("node"), arguments.text("field")
    name, new_name = arguments.text("name"), arguments.text("new_name")
    bench.locate(node_id)
    source = value_of(bench.nodes[node_id], field.split("."))
    text = source if isinstance(source, str) else ""
    at = offset_of(text, arguments.index("line"), arguments.index("column"))
    if at is None or not name or not is_name_at(text, at, name):
        raise Refused(f"{quoted(name)} is no longer there. Nothing was changed.", node_id=node_id)
    _set_field(bench, node_id, field, f"{text[:at]}{new_name}{text[at + len(name) :]}")
    return Outcome(
        summary=f"Replaced {name} with {new_name} in {bench.called(node_id)}",
        touched=((node_id, field),),
        selected=node_id,
    )


def value_of(value: Any, path: list[str]) -> Any:
    """Return the value at a path of nested objects and lists; None if there is none."""
    for key in path:
        index = index_of(key)
        if isinstance(value, list) and index is not None and index < len(value):
            value = value[index]
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value


def _set_field(bench: Workbench, node_id: str, field: str, value: Any) -> None:
    if not _FIELD.fullmatch(field):
        raise Refused(f"{quoted(field)} is not a field of a node: start with data or config.")
    changed = _with_value(bench.nodes[node_id], field.split("."), value)
    is_branch = bench.types[node_id].name == branch.TYPE.name
    if is_branch and changed["data"].get("branches") != bench.nodes[node_id]["data"].get(
        "branches"
    ):
        arms = changed["data"].get("branches")
        set_arms(bench, node_id, arms if isinstance(arms, list) else [])
    else:
        bench.nodes[node_id] = changed


def _with_value(container: Any, path: list[str], value: Any) -> Any:
    """Return a copy of nested objects and lists with one value set or removed."""
    key, *rest = path
    if isinstance(container, list):
        index = index_of(key)
        if index is None or index >= len(container):
            raise Refused(f"The item {quoted(key)} no longer exists.")
        if not rest and value is _ABSENT:
            return [*container[:index], *container[index + 1 :]]
        inner = _with_value(container[index], rest, value) if rest else value
        return [*container[:index], inner, *container[index + 1 :]]
    members = dict(container) if isinstance(container, dict) else {}
    if rest:
        inner = _with_value(members.get(key, {}), rest, value)
        if inner == {} and key not in members:
            return members
        return {**members, key: inner}
    if value is _ABSENT:
        members.pop(key, None)
        return members
    return {**members, key: value}


def index_of(key: str) -> int | None:
    """Return the index of an item if a part of a path is one; None for any other text."""
    is_index = len(key) <= _MAX_DIGITS and key.isascii() and key.isdigit()
    return int(key) if is_index else None


def set_trigger(bench: Workbench, arguments: Arguments) -> Outcome:
    """Replace the trigger of the document with `trigger`."""
    bench.members["trigger"] = arguments.object("trigger")
    return Outcome(summary="Changed the trigger", touched=(("", "trigger"),))


def replace_document(bench: Workbench, arguments: Arguments) -> Outcome:
    """Replace everything with `document`."""
    document = arguments.object("document")
    return Outcome(summary=REPLACED, touched=(EVERYTHING,), document=document)


def repair_connections(_bench: Workbench, _arguments: Arguments) -> Outcome:
    """Change nothing, because the connections of a document with a tree are correct."""
    return Outcome(summary=REPAIRED)
