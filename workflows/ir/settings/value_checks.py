"""Checks values without references against the declaration of their field."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from workflows.ir.reading.problems import listed, quoted
from workflows.ir.settings.formats import FORMATS
from workflows.ir.settings.setting_field import FieldKind, SettingField


def value_errors(field: SettingField, value: Any) -> Iterator[str]:
    """Yield the reasons why a value without references does not fit the field."""
    check = _CHECKS.get(field.kind)
    if check:
        yield from check(field, value)


def text_errors(field: SettingField, value: str) -> Iterator[str]:
    """Yield the rules that a text breaks."""
    rules = field.rules
    if rules.min_length is not None and len(value) < rules.min_length:
        yield f"must have at least {rules.min_length} characters, not {len(value)}"
    if rules.max_length is not None and len(value) > rules.max_length:
        yield f"must have at most {rules.max_length} characters, not {len(value)}"
    if rules.pattern and not rules.pattern.matches(value):
        yield (
            f"{rules.pattern_rule}, not {quoted(value)}"
            if rules.pattern_rule
            else f"must match the pattern {rules.pattern.source}, but {quoted(value)} does not"
        )
    if rules.format and not FORMATS[rules.format].matches(value):
        yield f"must be {FORMATS[rules.format].description}, not {quoted(value)}"


def _text(field: SettingField, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"must be text, not {quoted(value)}"
        return
    yield from text_errors(field, value)


def _number(field: SettingField, value: Any) -> Iterator[str]:
    rules = field.rules
    if not is_number(value):
        yield f"must be a number, not {quoted(value)}"
        return
    if rules.min is not None and value < rules.min:
        yield f"must be at least {rules.min:g}, not {value}"
    if rules.max is not None and value > rules.max:
        yield f"must be at most {rules.max:g}, not {value}"


def is_number(value: Any) -> bool:
    """Whether the value is a finite number, and not a boolean."""
    is_numeric = isinstance(value, int | float) and not isinstance(value, bool)
    return is_numeric and math.isfinite(value)


def _switch(_field: SettingField, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"must be true or false, not {quoted(value)}"


def _option(field: SettingField, value: Any) -> Iterator[str]:
    if value not in field.options:
        yield f"must be one of {listed(field.options, limit=30)}, not {quoted(value)}"


def _options(field: SettingField, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be a list of {listed(field.options, limit=30)}, not {quoted(value)}"
        return
    options = frozenset(field.options)
    others = [item for item in value if not isinstance(item, str) or item not in options]
    if len(others) == 1:
        yield from _option(field, others[0])
    elif others:  # list the options only once
        yield f"{listed(others)} must be among {listed(field.options, limit=30)}"


def _code(_field: SettingField, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip():
        yield f"must be an expression as text, not {quoted(value)}"


_CHECKS: Final[Mapping[FieldKind, Callable[[SettingField, Any], Iterator[str]]]] = {
    FieldKind.TEXT: _text,
    FieldKind.NAME: _text,
    FieldKind.NUMBER: _number,
    FieldKind.SWITCH: _switch,
    FieldKind.SELECT: _option,
    FieldKind.MULTISELECT: _options,
    FieldKind.CODE: _code,
}
