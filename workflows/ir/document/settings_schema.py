"""The JSON Schema of a node type's or trigger's settings, derived from the declared fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from workflows.ir.document.node_types import NodeType
from workflows.ir.document.triggers import TriggerType
from workflows.ir.settings.setting_field import FieldKind, SettingField

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = {"type": "string", "pattern": r"\{\{.*\}\}"}


def settings_schema(type_: NodeType | TriggerType) -> dict[str, Any]:
    """Return the schema of a node's `data`, or of a trigger without its `type`.

    It allows references where a field takes them. Unknown members are allowed, because they only cause
    a warning. `null` is not allowed, although a document can have `null` instead of a missing value.
    """
    return {
        "$schema": _DIALECT,
        "title": type_.title,
        "description": type_.summary,
        **_object_schema(type_.fields),
    }


def _object_schema(fields: Iterable[SettingField]) -> dict[str, Any]:
    all_fields = list(fields)
    required = [field.name for field in all_fields if field.must_be_written]
    always = [field.name for field in all_fields if field.name in required and not field.shown_when]
    conditions = [
        _condition(field) for field in all_fields if field.name in required and field.shown_when
    ]
    return {
        "type": "object",
        "properties": {field.name: field_schema(field) for field in all_fields},
        **({"required": always} if always else {}),
        **({"allOf": conditions} if conditions else {}),
    }


def _condition(field: SettingField) -> dict[str, Any]:
    """Return a schema that requires the field if another field has certain values."""
    other = field.shown_when
    if other is None:
        return {}
    applies: dict[str, Any] = {"properties": {other.name: {"enum": list(other.values)}}}
    if other.default not in other.values:
        applies["required"] = [other.name]
    return {"if": applies, "then": {"required": [field.name]}}


def field_schema(field: SettingField) -> dict[str, Any]:
    """Return the schema of one field's values."""
    shape = _SHAPES.get(field.kind, _text)(field)
    takes_only_text = shape.get("type") == "string" and set(shape) == {"type"}
    if field.takes_references and field.kind in _STRICT and not takes_only_text:
        shape = {"anyOf": [shape, _REFERENCE]}
    default = {} if field.default is None else {"default": field.default}
    return {"title": field.label, "description": field.help, **shape, **default}


_STRICT: Final = frozenset(
    {
        FieldKind.TEXT, FieldKind.NUMBER, FieldKind.SWITCH, FieldKind.SELECT, FieldKind.MULTISELECT,
        FieldKind.DURATION,
    }
)  # fmt: skip


def _text(field: SettingField) -> dict[str, Any]:
    rules = field.rules
    limits = {
        "minLength": rules.min_length
        if rules.min_length is not None
        else int(field.must_be_written),
        "maxLength": rules.max_length,
        "pattern": rules.pattern.source if rules.pattern else None,
    }
    return {"type": "string", **{name: limit for name, limit in limits.items() if limit}}


def _number(field: SettingField) -> dict[str, Any]:
    limits = {"minimum": field.rules.min, "maximum": field.rules.max}
    return {
        "type": "integer" if field.is_whole else "number",
        **{name: limit for name, limit in limits.items() if limit is not None},
    }


def _duration(field: SettingField) -> dict[str, Any]:
    return {
        "anyOf": [
            {"type": "integer", "minimum": field.rules.min or 0, "maximum": 365 * 86_400_000},
            {
                "type": "string",
                "pattern": r"^[0-9]{1,15} (second|minute|hour|day|week|month|year)s?$",
            },
        ]
    }


def _multiselect(field: SettingField) -> dict[str, Any]:
    return {
        "type": "array",
        "items": {"anyOf": [{"enum": list(field.options)}, _REFERENCE]},
        **({"minItems": 1} if field.must_be_written else {}),
    }


_SHAPES: Final[Mapping[FieldKind, Callable[[SettingField], dict[str, Any]]]] = {
    FieldKind.NUMBER: _number,
    FieldKind.SWITCH: lambda _field: {"type": "boolean"},
    FieldKind.SELECT: lambda field: {"enum": list(field.options)},
    FieldKind.MULTISELECT: _multiselect,
    FieldKind.SECRET: lambda _field: {"const": ""},
    FieldKind.DURATION: _duration,
    FieldKind.JSON: lambda _field: {},
    FieldKind.PAYLOAD: lambda _field: {},
    FieldKind.TABLE: lambda _field: {"type": ["object", "string"]},
    FieldKind.LIST: lambda field: {
        "type": "array",
        "items": _object_schema(field.items),
        **({"minItems": 1} if field.must_be_written else {}),
    },
}
