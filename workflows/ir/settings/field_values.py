"""Reads the value of a declared field from a document, with its default, options and rules."""

from __future__ import annotations

from workflows.ir.reading.fields import Code, Duration, Json, Text, milliseconds_of
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.setting_field import SettingField
from workflows.ir.settings.value_checks import text_errors


def read_string(data: Reader, field: SettingField) -> str:
    """Return text that cannot contain references; "" if it is missing."""
    text = data.string(field.name, _default_text(field))
    _check_text(data, field, text)
    return text


def read_text(data: Reader, field: SettingField, *, trimmed: bool = False) -> Text:
    """Return text; its rules apply if it has no references."""
    text = data.text(field.name, _default_text(field), trimmed=trimmed)
    if not text.references:
        _check_text(data, field, text.source)
    return text


def _default_text(field: SettingField) -> str | None:
    return None if field.required else str(field.default or "")


def _check_text(data: Reader, field: SettingField, text: str) -> None:
    for error in text_errors(field, text) if text else ():
        data.problem(field.name, error)


def read_integer(data: Reader, field: SettingField) -> int:
    """Return a whole number."""
    least, most = int(field.rules.min or 0), int(field.rules.max or 2**53)
    return data.integer(field.name, field.default, least=least, most=most)


def read_switch(data: Reader, field: SettingField) -> bool:
    """Return true or false."""
    return data.flag(field.name, default=bool(field.default))


def read_optional_switch(data: Reader, field: SettingField) -> bool | None:
    """Return true or false, None if the field has no value."""
    return data.flag(field.name, default=False) if data.has(field.name) else None


def read_choice(data: Reader, field: SettingField) -> str:
    """Return one of the options."""
    return data.choice(field.name, str(field.default), field.options)


def read_code(data: Reader, field: SettingField) -> Code:
    """Return code that is required."""
    return data.code(field.name, is_expression=field.is_expression)


def read_optional_code(data: Reader, field: SettingField) -> Code | None:
    """Return code; None if it is empty or blank."""
    return data.optional_code(
        field.name, is_expression=field.is_expression, parameters=field.parameter_names
    )


def read_duration(data: Reader, field: SettingField) -> Duration:
    """Return a duration; longer than zero if the field has a minimum."""
    if field.rules.min:
        return data.timeout(field.name, field.default)
    return data.duration(field.name, field.default)


def read_optional_duration(data: Reader, field: SettingField) -> Duration | None:
    """Return a duration that is longer than zero; None if it is missing."""
    if not data.has(field.name):
        return None
    duration = data.duration(field.name)
    if milliseconds_of(duration) == 0 and data.raw(field.name) != "":
        data.problem(field.name, "must be longer than 0: remove it if there is no such time")
    return duration


def read_table(data: Reader, field: SettingField) -> Json | None:
    """Return an object of names and values; None if absent or empty."""
    return data.table(field.name)


def source_of(data: Reader, field: SettingField) -> Reader:
    """Return the node's `config` if it has the field, because it takes precedence; otherwise its `data`."""
    config = data.config
    return config if config and config.has(field.name) else data
