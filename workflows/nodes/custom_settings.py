"""The settings of a node of a custom type, read by the fields of its node.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from workflows.ir.custom.config_field import ConfigField, FieldKind, value_errors
from workflows.ir.custom.definition import Definition
from workflows.ir.document.step_policy import StepPolicy, read_policy
from workflows.ir.reading import fields
from workflows.ir.reading.fields import Field, NotJson
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.reading.references import references_in

_POLICY: Final = ("retryLimit", "retryDelay", "backoff", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field and what a document says for it; None for a secret, which a variable holds."""

    field: ConfigField
    value: Field | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    values: tuple[Setting, ...]
    policy: StepPolicy


def read_settings(definition: Definition, data: Reader) -> Settings:
    data.know(*(field.key for field in definition.fields))
    found = [_setting(data, field) for field in definition.fields]
    return Settings(
        values=tuple(setting for setting in found if setting is not None),
        policy=_policy(definition, data),
    )


def _policy(definition: Definition, data: Reader) -> StepPolicy:
    """Read the usual retry settings, but for those that the type's own fields are called by."""
    own = {field.key for field in definition.fields}
    usual = data.part([key for key in _POLICY if key not in own])
    policy = read_policy(usual, retries=definition.retries)
    is_given = usual.has("timeout") or (data.config is not None and data.config.has("timeout"))
    if definition.timeout is None or is_given:
        return policy
    return replace(policy, timeout=definition.timeout)


def _setting(data: Reader, field: ConfigField) -> Setting | None:
    value = data.raw(field.key)
    if field.kind is FieldKind.SECRET:
        return _secret(data, field, value)
    if _is_nothing(value, field):
        return _absent(data, field)
    if value == "" and not field.required:
        return Setting(field=field, value=data.text(field.key, ""))
    return Setting(field=field, value=_READ[field.kind](data, field, value))


def _is_nothing(value: Any, field: ConfigField) -> bool:
    """Whether nothing was chosen: forms leave empty texts, and lists, where nobody wrote anything."""
    if field.kind is FieldKind.MULTISELECT and field.required and value == []:
        return True
    return value is None or (value == "" and not field.kind.is_text)


def _secret(data: Reader, field: ConfigField, value: Any) -> Setting:
    """A document is copied and shown to many: what it holds is no secret, and is not repeated."""
    if value not in (None, ""):
        data.problem(
            field.key,
            f"is a secret, which has no place in a document: remove it here, and set the secret "
            f"variable {field.variable}",
        )
    return Setting(field=field, value=None)


def _absent(data: Reader, field: ConfigField) -> Setting | None:
    if field.default is not None:
        found = data.with_value(field.key, field.default)
        return Setting(field=field, value=_READ[field.kind](found, field, field.default))
    if field.required:
        data.problem(field.key, f"is missing: write {field.kind.words} ({field.label})")
    return None


def _text(data: Reader, field: ConfigField, value: Any) -> Field | None:
    written = data.text(field.key)
    if isinstance(value, str) and value and not written.references:
        _check(data, field, value)
    return written


def _plain(data: Reader, field: ConfigField, value: Any) -> Field | None:
    """Read a number, a flag or options: written down, or one reference that keeps its type."""
    if not isinstance(value, str) or not references_in(value):
        _check(data, field, value)
    elif field.kind is not FieldKind.SELECT and not _is_one_reference(value):
        words = f"must be {field.kind.words}, or one reference alone, not {quoted(value)}"
        data.problem(field.key, words)
    return data.json(field.key, value)


def _options(data: Reader, field: ConfigField, value: Any) -> Field | None:
    """Read a list in which each item is an option, or is made by references."""
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
        except NotJson:
            data.problem(field.key, f"must be JSON, or text that is JSON, not {quoted(value)}")
    return data.json(field.key, value)


def _expression(data: Reader, field: ConfigField, _value: Any) -> Field | None:
    return data.code(field.key, is_expression=True)


def _check(data: Reader, field: ConfigField, value: Any) -> None:
    wrong = list(value_errors(field, value))
    if len(wrong) > 1 and field.kind is FieldKind.MULTISELECT:  # the options once, not per item
        others = [item for item in value if item not in field.options]
        wrong = [f"{listed(others)} are none of {listed(field.options, limit=30)}"]
    for message in wrong:
        data.problem(field.key, message)


def _is_one_reference(value: str) -> bool:
    found = references_in(value)
    return len(found) == 1 and (found[0].start, found[0].end) == (0, len(value))


_READ: Final[Mapping[FieldKind, Callable[[Reader, ConfigField, Any], Field | None]]] = {
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
