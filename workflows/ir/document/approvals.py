"""Approvals: the events that decide them, and what a decision may contain."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

EVENT_PREFIX: Final = "approval-"
MAX_COMMENT: Final = 2000  # characters
_EVENT_TYPE: Final = re.compile(
    rf"{EVENT_PREFIX}[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}"
)
_JSON_TYPES: Final = {"text": "string", "number": "number", "boolean": "boolean"}
FIELD_TYPES: Final = ("text", "number", "choice", "boolean")

Schema = dict[str, Any]


def is_approval(event_type: str) -> bool:
    """Return whether a run waits for this event in order to be approved."""
    return _EVENT_TYPE.fullmatch(event_type) is not None


def options_of(text: str) -> list[str]:
    """Return the options of a choice, which are written one per line."""
    return list(dict.fromkeys(filter(None, map(str.strip, text.splitlines()))))


def form_fields(fields: Any) -> list[Mapping[str, Any]]:
    """Return the fields of a form. Other node types can have anything under the same key."""
    return [each for each in fields if _is_field(each)] if isinstance(fields, list) else []


def _is_field(field: Any) -> bool:
    return (
        isinstance(field, Mapping)
        and isinstance(field.get("name"), str)
        and (field.get("type") or FIELD_TYPES[0]) in FIELD_TYPES
    )


def fields_schema(fields: Sequence[Mapping[str, Any]], *, is_approved: bool = True) -> Schema:
    """Return the JSON Schema of the values of a form's fields.

    `fields` are those of a valid document. Required fields are required for an approval, not for a rejection.
    """
    required = [str(field["name"]) for field in fields if field.get("required")]
    return {
        "type": "object",
        "properties": {str(field["name"]): _field_schema(field) for field in fields},
        "required": required if is_approved else [],
        "additionalProperties": False,
    }


def _field_schema(field: Mapping[str, Any]) -> Schema:
    type_ = field.get("type") or FIELD_TYPES[0]
    title = {"title": str(field.get("label") or field["name"])}
    if type_ == "choice":
        return {"enum": options_of(str(field.get("options") or "")), **title}
    return {"type": _JSON_TYPES[type_], **title}
