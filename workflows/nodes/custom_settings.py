"""Reads the settings of a custom node, as the fields of its node.json define them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.ir.custom.config_field import ConfigField, FieldKind, value_errors
from workflows.ir.custom.definition import Definition
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading import fields
from workflows.ir.reading.fields import Field, NotJson
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.reading.references import references_in

_POLICY_KEYS: Final = ("retryLimit", "retryDelay", "backoff", "timeout", "sensitive")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field and its value in a document; None for a secret, whose value is in a variable."""

    field: ConfigField
    value: Field | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values, in the order of the type's fields, and the retry settings."""

    values: tuple[Setting, ...]
    policy: StepPolicy


def read_settings(definition: Definition, data: Reader) -> Settings:
    """Read all fields and the retry settings of a node."""
    data.know(*(field.key for field in definition.fields))
    settings = [_setting(data, field) for field in definition.fields]
    return Settings(
        values=tuple(setting for setting in settings if setting is not None),
        policy=_policy(definition, data),
    )


def _policy(definition: Definition, data: Reader) -> StepPolicy:
    """Read the retry settings, except those whose names the type uses for its own fields."""
    own_keys = {field.key for field in definition.fields}
    part = data.part([key for key in _POLICY_KEYS if key not in own_keys])
    policy = read_policy(part, retries=definition.retries)
    has_timeout = part.has("timeout") or (data.config is not None and data.config.has("timeout"))
    if definition.timeout is None or has_timeout:
        return policy
    return replace(policy, timeout=definition.timeout)


def _setting(data: Reader, field: ConfigField) -> Setting | None:
    value = data.raw(field.key)
    if field.kind is FieldKind.SECRET:
        return _secret(data, field, value)
    if _is_empty(value, field):
        return _default(data, field)
    if value == "" and not field.required:
        return Setting(field=field, value=data.text(field.key, ""))
    return Setting(field=field, value=_READERS[field.kind](data, field, value))


def _is_empty(value: Any, field: ConfigField) -> bool:
    """Whether there is no value; forms send empty strings and lists for fields left blank."""
    if field.kind is FieldKind.MULTISELECT and field.required and value == []:
        return True
    return value is None or (value == "" and not field.kind.is_text)


def _secret(data: Reader, field: ConfigField, value: Any) -> Setting:
    """Reject a secret in the document, because many users can read documents.

    The error message never contains the value.
    """
    if value not in (None, ""):
        data.problem(
            field.key,
            f"is a secret and must not be in the document: remove it, and set the secret variable "
            f"{field.variable} instead",
        )
    return Setting(field=field, value=None)


def _default(data: Reader, field: ConfigField) -> Setting | None:
    if field.default is not None:
        reader = data.with_value(field.key, field.default)
        return Setting(field=field, value=_READERS[field.kind](reader, field, field.default))
    if field.required:
        data.problem(field.key, f"is missing: write {field.kind.expected} ({field.label})")
    return None


def _text(data: Reader, field: ConfigField, value: Any) -> Field | None:
    text = data.text(field.key)
    if isinstance(value, str) and value and not text.references:
        _check(data, field, value)
    return text


def _plain(data: Reader, field: ConfigField, value: Any) -> Field | None:
    """Read a number, a boolean or options; a single reference instead keeps its type."""
    if not isinstance(value, str) or not references_in(value):
        _check(data, field, value)
    elif field.kind is not FieldKind.SELECT and not _is_single_reference(value):
        message = f"must be {field.kind.expected} or a single reference, not {quoted(value)}"
        data.problem(field.key, message)
    return data.json(field.key, value)


def _options(data: Reader, field: ConfigField, value: Any) -> Field | None:
    """Read a list in which each item is an option or has references."""
    if not isinstance(value, list):
        return _plain(data, field, value)
    _check(data, field, [item for item in value if not _has_references(item)])
    return data.json(field.key, value)


def _has_references(item: object) -> bool:
    return isinstance(item, str) and bool(references_in(item))


def _json(data: Reader, field: ConfigField, value: Any) -> Field | None:
    if isinstance(value, str):
        try:
            value = fields.loads_with_references(value)
        except NotJson as error:
            data.problem(field.key, f"must be JSON or JSON text, not {quoted(value)}: {error}")
    return data.json(field.key, value)


def _expression(data: Reader, field: ConfigField, _value: Any) -> Field | None:
    return data.code(field.key, is_expression=True)


def _check(data: Reader, field: ConfigField, value: Any) -> None:
    for error in value_errors(field, value):
        data.problem(field.key, error)


def _is_single_reference(value: str) -> bool:
    references = references_in(value)
    return len(references) == 1 and (references[0].start, references[0].end) == (0, len(value))


_READERS: Final[Mapping[FieldKind, Callable[[Reader, ConfigField, Any], Field | None]]] = {
    FieldKind.STRING: _text,
    FieldKind.TEXTAREA: _text,
    FieldKind.NUMBER: _plain,
    FieldKind.BOOLEAN: _plain,
    FieldKind.SELECT: _plain,
    FieldKind.MULTISELECT: _options,
    FieldKind.CODE: _expression,
    FieldKind.EXPRESSION: _expression,
    FieldKind.JSON: _json,
}
