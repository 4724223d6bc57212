"""A form that answers a waiting run, generated from the JSON Schema of its node."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from runs.services.control import Refused
from runs.services.event_schemas import Schema, key_of
from runs.services.payloads import NotJson, read_payload

Kind = Literal["text", "number", "integer", "choice", "json"]
_PLAIN: Final[Mapping[str, Kind]] = {"string": "text", "number": "number", "integer": "integer"}
_MAX_FIELDS: Final = 40  # longer answers are entered as JSON
_MISSING: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An option of a field; `text` is its value as JSON."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One property of the answer; `name` is "" if the answer is not an object."""

    id: str
    name: str
    label: str
    help: str
    kind: Kind
    is_required: bool
    initial: str
    choices: tuple[Choice, ...] = ()
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The fields of an answer; `key` identifies their schema."""

    key: str
    fields: tuple[Field, ...]


def form_of(schema: Any) -> Form | None:
    """Return the form; None if the schema has no properties or too many."""
    if not isinstance(schema, Mapping) or not schema:
        return None
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        parts, required = list(properties.items()), schema.get("required")
    elif "type" in schema or "enum" in schema or "const" in schema:
        parts, required = [("", schema)], [""]
    else:
        return None
    if len(parts) > _MAX_FIELDS:
        return None
    required_names = required if isinstance(required, list) else []
    fields = (
        _field(
            f"field-{at}",
            str(name),
            part if isinstance(part, Mapping) else {},
            is_required=name in required_names,
        )
        for at, (name, part) in enumerate(parts)
    )
    return Form(key=key_of(schema), fields=tuple(fields))


def _field(id_: str, name: str, part: Schema, *, is_required: bool) -> Field:
    choices = _choices(part)
    initial = part.get("default", _MISSING)
    kind = "choice" if choices else _PLAIN.get(str(part.get("type")), "json")
    return Field(
        id=id_,
        name=name,
        label=str(part.get("title") or name or "Answer"),
        help=str(part.get("description") or ""),
        kind=kind,
        is_required=is_required,
        initial=_initial(initial, kind),
        choices=choices,
        schema=part,
    )


def _choices(part: Schema) -> tuple[Choice, ...]:
    values = part.get("enum")
    if not isinstance(values, list):
        values = [part["const"]] if "const" in part else None
    if values is None and part.get("type") == "boolean":
        return (Choice(label="Yes", text="true"), Choice(label="No", text="false"))
    return tuple(
        Choice(
            label=value if isinstance(value, str) else json.dumps(value),
            text=json.dumps(value, ensure_ascii=False),
        )
        for value in values or []
    )


def _initial(value: Any, kind: Kind) -> str:
    if value is _MISSING:
        return ""
    return value if kind == "text" and isinstance(value, str) else json.dumps(value)


def read_form(form: Form, posted: Mapping[str, str]) -> Any:
    """Return the payload that was entered. Raises Refused, which names the field."""
    payload: dict[str, Any] = {}
    for field in form.fields:
        text = posted.get(field.id, "")
        value = _MISSING if not text.strip() else _value(field, text)
        if value is _MISSING and field.is_required:
            raise Refused(f"{field.label} is missing. Nothing was sent.")
        if not field.name:
            return value
        if value is not _MISSING:
            payload[field.name] = value
    return payload


def _value(field: Field, text: str) -> Any:
    if field.kind == "text":
        return text
    try:
        return read_payload(text)
    except NotJson:
        what = "JSON" if field.kind == "json" else "a number"
        raise Refused(f"{field.label} is not {what}. Nothing was sent.") from None
    except Refused as error:
        reason = (
            str(error).replace("The payload", field.label, 1).replace("the payload", field.label)
        )
        raise Refused(f"{reason} Nothing was sent.") from None
