"""Documents that were written for another product: what they mean by `${...}` becomes references."""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from workflows.ir.document.registry import Registry
from workflows.ir.reading import fields
from workflows.ir.reading.fields import Code, Field, NotJson
from workflows.ir.reading.placeholders import with_references
from workflows.ir.tree.scope import ROOTS
from workflows.ir.validation.validate import Parsed
from workflows.nodes.documents import parse


def as_imported(document: Any, types: Registry) -> Any:
    """Return the document with references for `${env.X}` and the like in text and JSON settings.

    A document that this would make invalid is returned unchanged.
    """
    parsed = parse(document, types)
    if "${" not in str(document) or not parsed.nodes:
        return document
    names = {*ROOTS, *(node.id for node in parsed.nodes)}
    changed = deepcopy(document)
    by_id = {node.id: node for node in parsed.nodes}
    for item in changed["nodes"]:
        node = by_id.get(str(item.get("id"))) if isinstance(item, dict) else None
        for field in node.fields if node else ():
            _change(item, field, names)
    return document if _errors(parse(changed, types)) > _errors(parsed) else changed


def _errors(parsed: Parsed) -> int:
    return sum(problem.is_error for problem in parsed.problems)


def _change(node: dict[str, Any], field: Field, names: Collection[str]) -> None:
    """Change one setting of a node, if it is text or JSON."""
    *path, key = field.path.split(".")
    holder: Any = node
    for part in path:
        holder = holder.get(part) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or key not in holder:
        return
    value = with_references(holder[key], names)
    if not isinstance(field, Code) or _is_json(value):
        holder[key] = value


def _is_json(value: Any) -> bool:
    """Whether the text is JSON once references stand for its values."""
    try:
        fields.loads_with_references(value)
    except NotJson:
        return False
    return True
