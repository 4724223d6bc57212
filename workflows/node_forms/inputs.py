"""The inputs of one field, and the JSON value that they represent.

`value_from_form` is the inverse of `inputs_of` for all values that a control can show; other values
are shown as JSON, and so are long lists and tables: thousands of inputs take long to show, and Django
accepts 1,000.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from web.forms.text_area import with_line_feeds
from workflows.ir.reading.references import references_in
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.node_forms.field_kinds import (
    ABSENT,
    EXPRESSION,
    READERS,
    WRITERS,
    Inputs,
    InvalidInput,
    changes_in_a_page,
    is_blank,
    json_text,
    last,
    parsed_json,
    read_json,
    without_blanks,
    write_text,
)

_MAX_ROWS: Final = 200
JSON_INPUT: Final = "json"
"""The input of a value that the control of its field cannot show."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The inputs that show a value; `as_json` is true if only JSON can show it."""

    inputs: Inputs
    as_json: bool = False


def shown(field: SettingField, value: Any) -> Shown:
    """Return the inputs that show a value; reading them returns the same value."""
    if field.kind is FieldKind.SECRET:
        return Shown({})
    inputs = {} if _has_many_rows(field, value) else inputs_of(field, value)
    if is_blank(value) or _is_shown(field, value, inputs):
        return Shown(inputs)
    is_text = isinstance(value, str) and field.kind is FieldKind.TABLE
    is_text = is_text and not changes_in_a_page(value)
    return Shown({JSON_INPUT: [value if is_text else json_text(value)]}, as_json=True)


def _has_many_rows(field: SettingField, value: Any) -> bool:
    has_rows = field.kind in (FieldKind.LIST, FieldKind.TABLE)
    return has_rows and isinstance(value, list | dict) and len(value) > _MAX_ROWS


def _is_shown(field: SettingField, value: Any, inputs: Inputs) -> bool:
    if any(changes_in_a_page(text) for texts in inputs.values() for text in texts):
        return False
    if isinstance(value, str) and _holds_any_text(field, inputs):
        return True
    try:
        read = value_from_form(field, inputs)
    except InvalidInput:
        return False
    if field.kind is FieldKind.LIST:
        return same(without_blanks(field, read), without_blanks(field, value))
    return same(field.default if read is ABSENT else read, value)


def _holds_any_text(field: SettingField, inputs: Inputs) -> bool:
    """Whether a single input shows any text unchanged."""
    return (set(inputs) == {""} and field.kind in _PLAIN_TEXT) or bool(
        last(inputs, EXPRESSION).strip()
    )


_PLAIN_TEXT: Final = frozenset(
    {
        FieldKind.TEXT, FieldKind.NUMBER, FieldKind.DURATION, FieldKind.CODE, FieldKind.NAME,
        FieldKind.JSON, FieldKind.PAYLOAD,
    }
)  # fmt: skip


def same(first: Any, second: Any) -> bool:
    """Whether two values are the same JSON, apart from the line endings of text."""
    if first is ABSENT or second is ABSENT:
        return first is second
    return _canonical(first) == _canonical(second)


def _canonical(value: Any) -> str:
    text = with_line_feeds(value) if isinstance(value, str) else value
    return json.dumps(text, sort_keys=True)


def inputs_of(field: SettingField, value: Any) -> Inputs:
    """Return the inputs for a value; for a value of another type, they are empty or wrong."""
    return WRITERS.get(field.kind, write_text)(field, value)


def value_from_form(field: SettingField, inputs: Inputs) -> Any:
    """Return the value of a field's inputs, ABSENT if they are empty; raises InvalidInput."""
    if field.kind is FieldKind.SECRET:
        return ABSENT
    if JSON_INPUT in inputs:
        return _read_json_input(field, last(inputs, JSON_INPUT))
    expression = last(inputs, EXPRESSION)
    if expression.strip():
        return _read_expression(field, expression)
    return READERS[field.kind](field, inputs)


def decisive(inputs: Inputs) -> Inputs:
    """Return the inputs that decide the value, with line feeds: JSON, an expression, or the others."""
    for name in (JSON_INPUT, EXPRESSION):
        if last(inputs, name).strip():
            return {name: [last(inputs, name)]}
    others = {name: texts for name, texts in inputs.items() if name != EXPRESSION}
    return {name: list(map(with_line_feeds, texts)) for name, texts in others.items()}


def _read_expression(field: SettingField, text: str) -> str:
    if field.is_expression or references_in(text):
        return text
    raise InvalidInput(
        "Write a reference such as {{ trigger.value }}, or leave the expression empty."
    )


def _read_json_input(field: SettingField, text: str) -> Any:
    if field.kind is FieldKind.TABLE:
        return read_json(field, {"": [text]})
    return parsed_json(text) if text.strip() else ABSENT
