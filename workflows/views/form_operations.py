"""Operations whose values come from a form's inputs instead of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from web.forms.text_area import unless_unchanged, with_line_feeds
from workflows import drafts
from workflows.editing.document.refusals import Refused
from workflows.ir.document.triggers import TRIGGER_TYPES, trigger_type_of
from workflows.models import Workflow
from workflows.node_forms.changes import FormChanges, form_changes, with_changes
from workflows.node_forms.field_kinds import ABSENT

JsonObject = dict[str, Any]


class InvalidForm(Refused):
    """Inputs could not be read; `errors` has a sentence for each, by the path of its field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = errors


def as_operation(workflow_id: str, operation: Any) -> Any:
    """Return the operation with JSON values; raises InvalidForm for inputs that cannot be read.

    Raises Workflow.DoesNotExist if the form's workflow was deleted.
    """
    type_ = operation.get("type") if isinstance(operation, dict) else None
    if type_ == "set_trigger_type":
        return _set_trigger_type(operation)
    if type_ == drafts.SET_ENTRY_CODE:
        return _set_entry_code(Workflow.objects.get(pk=workflow_id), operation)
    if type_ == "fill_form":
        return _fill_form(Workflow.objects.get(pk=workflow_id), operation)
    return operation


def _set_trigger_type(operation: JsonObject) -> JsonObject:
    type_ = TRIGGER_TYPES.get(str(operation.get("trigger_type")))
    if type_ is None:
        raise Refused("This type of trigger does not exist.")
    return {"type": "set_trigger", "trigger": type_.new_trigger()}


def _set_entry_code(workflow: Workflow, operation: JsonObject) -> JsonObject:
    """Keep the line endings of unchanged code, because browsers send different ones."""
    code = operation.get("value")
    if not isinstance(code, str):
        return operation
    return {**operation, "value": unless_unchanged(with_line_feeds(code), workflow.entry_code)}


def _fill_form(workflow: Workflow, operation: JsonObject) -> JsonObject:
    posted = operation.get("posted")
    if not isinstance(posted, dict) or not all(map(_is_input, posted.values())):
        raise Refused("The form's inputs must be lists of strings.")
    node_id = operation.get("node")
    if not node_id:
        return _fill_trigger(workflow, posted)
    opened = drafts.open_draft(workflow)
    node = opened.draft.nodes.get(str(node_id))
    item = next((each for each in opened.document["nodes"] if each["id"] == node_id), None)
    if node is None or item is None:
        raise Refused("This node no longer exists.", node_id=str(node_id))
    changes = _read(form_changes(item, node.type.fields, posted)).changes
    as_json = [
        {"field": change.path} | ({} if change.value is ABSENT else {"value": change.value})
        for change in changes
    ]
    if not as_json:
        return {"type": "rename", "node": node_id, "name": item["name"]}
    return {"type": "configure", "node": node_id, "changes": as_json}


def _is_input(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


def _fill_trigger(workflow: Workflow, posted: Mapping[str, list[str]]) -> JsonObject:
    holder = {"trigger": workflow.ir.get("trigger") or {"type": "manual"}}
    changes = _read(form_changes(holder, trigger_type_of(holder["trigger"]).fields, posted))
    return {"type": "set_trigger", "trigger": with_changes(holder, changes.changes)["trigger"]}


def _read(changes: FormChanges) -> FormChanges:
    if changes.errors:
        raise InvalidForm(changes.errors)
    return changes
