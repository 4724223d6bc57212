"""Reads the settings of a custom node, as the fields of its node.json define them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from workflows.ir.custom.definition import Definition
from workflows.ir.document.node_types import BoundName
from workflows.ir.document.step_policy import ROLLBACK_FIELDS, StepPolicy, read_policy, retry_fields
from workflows.ir.reading import fields
from workflows.ir.reading.bindings import is_reserved
from workflows.ir.reading.fields import Field, NotJson, raw_duration
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.reading.references import references_in
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.ir.settings.value_checks import value_errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A field and its value in a document.

    A secret and a binding have no value, but the name in `env` that has it, `env_name`.
    `is_needed` is true if the node cannot run without the secret.
    """

    field: SettingField
    value: Field | None = None
    env_name: str = ""
    is_needed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values, in the order of the type's fields, and the settings of the step."""

    values: tuple[Setting, ...]
    policy: StepPolicy


def bindings_of(settings: Settings) -> Iterator[BoundName]:
    """Yield the bindings that the settings name."""
    for setting in settings.values:
        if setting.field.binding and setting.env_name:
            yield BoundName(
                name=setting.env_name,
                kind=setting.field.binding,
                path=f"data.{setting.field.name}",
            )


def needs(settings: Settings, secret: SettingField) -> bool:
    """Return whether a node with these settings cannot run without a secret."""
    return any(each.is_needed for each in settings.values if each.field.name == secret.name)


def fields_of(definition: Definition) -> tuple[SettingField, ...]:
    """Return the type's own fields, and those of its step, unless the type uses their names itself."""
    own = {field.name for field in definition.fields}
    return (
        *definition.fields,
        *(field for field in _step_fields(definition) if field.name not in own),
    )


def _step_fields(definition: Definition) -> tuple[SettingField, ...]:
    timeout = {} if definition.timeout is None else {"default": raw_duration(definition.timeout)}
    retries = retry_fields(retryLimit={"default": definition.retries}, timeout=timeout)
    return (*retries, *ROLLBACK_FIELDS)


def read_settings(definition: Definition, data: Reader) -> Settings:
    """Read all fields of a node, and the settings of its step."""
    settings = [_setting(data, field) for field in definition.fields]
    return Settings(
        values=tuple(setting for setting in settings if setting is not None),
        policy=_policy(definition, data),
    )


def _policy(definition: Definition, data: Reader) -> StepPolicy:
    """Read the settings of the step, except those whose names the type uses for its own fields."""
    own = {field.name for field in definition.fields}
    fields = _step_fields(definition)
    return read_policy(data.part([field.name for field in fields if field.name not in own]), fields)


def example_of(definition: Definition) -> dict[str, Any]:
    """Return the settings of a new node: those that are required and have no default."""
    fields = [field for field in definition.fields if field.required and field.default is None]
    examples = {field.name: _example(field) for field in fields}
    return {
        field.name: examples[field.name]
        for field in fields
        if examples[field.name] is not None and _is_used(field, examples)
    }


def _is_used(field: SettingField, examples: Mapping[str, Any]) -> bool:
    other = field.shown_when
    return other is None or examples.get(other.name, other.default) in other.values


def _example(field: SettingField) -> Any:
    """Return a value that passes the field's checks; None for a secret."""
    if field.kind in _EXAMPLES:
        return _EXAMPLES[field.kind](field)
    return f"{{{{ trigger.{field.name} }}}}" if field.takes_references else "text"


_NO_REFERENCES: Final = "cannot contain a {{ reference }}, whose value could change what the text means: write fixed text"
_EXAMPLES: Final[Mapping[FieldKind, Callable[[SettingField], Any]]] = {
    FieldKind.SECRET: lambda _field: None,
    FieldKind.SELECT: lambda field: field.options[0],
    FieldKind.MULTISELECT: lambda field: list(field.options[:1]),
    FieldKind.SWITCH: lambda _field: False,
    FieldKind.NUMBER: lambda field: field.rules.min or field.rules.max or 0,
    FieldKind.CODE: lambda field: f"event.payload.{field.name}",
    FieldKind.JSON: lambda _field: {},
}


def _setting(data: Reader, field: SettingField) -> Setting | None:
    value = data.raw(field.name)
    if field.kind is FieldKind.SECRET:
        return _secret(data, field, value)
    if field.binding:
        return _binding(data, field, value)
    if _is_empty(value, field):
        return _default(data, field)
    if value == "" and not field.required:
        return Setting(field=field, value=data.text(field.name, ""))
    return Setting(field=field, value=_READERS[field.kind](data, field, value))


def _is_empty(value: Any, field: SettingField) -> bool:
    """Whether there is no value; forms send empty strings and lists for fields left blank."""
    if field.kind is FieldKind.MULTISELECT and field.required and value == []:
        return True
    return value is None or (value == "" and field.kind is not FieldKind.TEXT)


def _secret(data: Reader, field: SettingField, value: Any) -> Setting:
    """Reject a secret in the document, because many users can read documents.

    The error message never contains the value.
    """
    if value not in (None, ""):
        data.problem(
            field.name,
            f"is a secret and must not be in the document: remove it, and set the secret variable "
            f"{field.variable} instead",
        )
    is_needed = field.required and _applies(data, field)
    return Setting(field=field, env_name=field.variable, is_needed=is_needed)


def _binding(data: Reader, field: SettingField, value: Any) -> Setting | None:
    name = field.default if value in (None, "") else value
    if name is None:
        return _default(data, field)
    errors = list(value_errors(field, name))
    if not errors and is_reserved(name):
        errors.append(f"{name} is reserved: choose a different name")
    for error in errors:
        data.problem(field.name, error)
    return Setting(field=field, env_name="" if errors else name)


def _default(data: Reader, field: SettingField) -> Setting | None:
    if field.default is not None:
        reader = data.with_value(field.name, field.default)
        return Setting(field=field, value=_READERS[field.kind](reader, field, field.default))
    if field.required and _applies(data, field):
        data.problem(field.name, f"is missing: write {field.kind.expected} ({field.label})")
    return None


def _applies(data: Reader, field: SettingField) -> bool:
    """Return whether the field is used; what a reference will choose is not known yet."""
    other = field.shown_when
    return other is None or (data.raw(other.name) or other.default) in other.values


def _text(data: Reader, field: SettingField, value: Any) -> Field | None:
    text = data.text(field.name)
    if text.references and not field.takes_references:
        data.problem(field.name, _NO_REFERENCES)
    if isinstance(value, str) and value and not text.references:
        _check(data, field, value)
    return text


def _plain(data: Reader, field: SettingField, value: Any) -> Field | None:
    """Read a number, a boolean or options; a single reference instead keeps its type."""
    if not isinstance(value, str) or not references_in(value):
        _check(data, field, value)
    elif field.kind is not FieldKind.SELECT and not _is_single_reference(value):
        message = f"must be {field.kind.expected} or a single reference, not {quoted(value)}"
        data.problem(field.name, message)
    return data.json(field.name, value)


def _options(data: Reader, field: SettingField, value: Any) -> Field | None:
    """Read a list in which each item is an option or has references."""
    if not isinstance(value, list):
        return _plain(data, field, value)
    _check(data, field, [item for item in value if not _has_references(item)])
    return data.json(field.name, value)


def _has_references(item: object) -> bool:
    return isinstance(item, str) and bool(references_in(item))


def _json(data: Reader, field: SettingField, value: Any) -> Field | None:
    if isinstance(value, str):
        try:
            value = fields.loads_with_references(value)
        except NotJson as error:
            data.problem(field.name, f"must be JSON or JSON text, not {quoted(value)}: {error}")
    return data.json(field.name, value)


def _expression(data: Reader, field: SettingField, _value: Any) -> Field | None:
    return data.code(field.name, is_expression=True)


def _check(data: Reader, field: SettingField, value: Any) -> None:
    for error in value_errors(field, value):
        data.problem(field.name, error)


def _is_single_reference(value: str) -> bool:
    references = references_in(value)
    return len(references) == 1 and (references[0].start, references[0].end) == (0, len(value))


_READERS: Final[Mapping[FieldKind, Callable[[Reader, SettingField, Any], Field | None]]] = {
    FieldKind.TEXT: _text,
    FieldKind.NUMBER: _plain,
    FieldKind.SWITCH: _plain,
    FieldKind.SELECT: _plain,
    FieldKind.MULTISELECT: _options,
    FieldKind.CODE: _expression,
    FieldKind.JSON: _json,
}
