"""How the control for each kind of field shows a value, and how its inputs are read.

A reader is the inverse of its writer for all values that the control can show.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from web.forms.text_area import with_line_feeds
from workflows.ir.reading import durations, fields, json_reader
from workflows.ir.reading.fields import NotJson
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.raw_values import MAX_DEPTH, check_values
from workflows.ir.reading.references import references_in
from workflows.ir.settings.setting_field import FieldKind, SettingField
from workflows.ir.settings.value_checks import value_errors

Inputs = Mapping[str, Sequence[str]]
"""The values of a field's inputs, by the suffix of their names: "" or "zone"."""

EXPRESSION: Final = "expression"
"""The input of an expression in a field whose control is not text."""
REMOVE: Final = "remove"

_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_TYPED_DURATION: Final = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,6}))?\s*([A-Za-z]+)")
_MOMENT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(?::([0-9]{2}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_LOCAL_TIME: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(?::([0-9]{2}))?")
_ZONE: Final = re.compile(r"Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]")
_ROW: Final = re.compile(r"([0-9]{1,4})\.(\w+)")


class Absent(Enum):
    """No value: the setting is left out of the document, and its default applies."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class InvalidInput(ValueError):
    """The typed text is not a value of the field; the message is a sentence."""


def last(inputs: Inputs, name: str = "") -> str:
    """Return the text of an input, with line feeds; the last one if it occurs several times."""
    values = inputs.get(name) or [""]
    return with_line_feeds(values[-1])


def is_blank(value: Any) -> bool:
    """Whether the value is empty, which every control can show."""
    return value is ABSENT or value is None or value in ("", [], {})


def changes_in_a_page(text: str) -> bool:
    """Whether a page cannot represent the text: NUL, a lone surrogate, or a lone carriage return."""
    is_half = any("\ud800" <= character <= "\udfff" for character in text)
    return is_half or "\0" in text or "\r" in text.replace("\r\n", "\n")


def json_text(value: Any) -> str:
    """Return a value as indented JSON that a page can represent."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return json.dumps(value, indent=2) if changes_in_a_page(text) else text


def parsed_json(text: str) -> Any:
    """Return the JSON value; raises InvalidInput."""
    try:
        value = json_reader.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"This is not valid JSON: {error}.") from None
    for problem in check_values(value, max_depth=MAX_DEPTH):
        raise InvalidInput(f"{problem.path or 'The value'} {problem.message}.")
    return value


# Text


def write_text(_field: SettingField, value: Any) -> Inputs:
    """Return the inputs for text; for any other value, they are empty."""
    return {"": [value]} if isinstance(value, str) else {"": [""]}


def _read_text(field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs)
    if not text:
        return ABSENT
    if not references_in(text):
        _check(field, text)
    return text


def _read_code(_field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs)
    return text if text.strip() else ABSENT


def _check(field: SettingField, value: Any) -> None:
    for error in value_errors(field, value):
        raise InvalidInput(f"{field.label} {error}.")


# Numbers


def _write_number(_field: SettingField, value: Any) -> Inputs:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"": [json.dumps(value)]} if is_number else write_text(_field, value)


def _read_number(field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs).strip()
    if not text:
        return ABSENT
    if field.takes_references and references_in(text):
        return text
    example = "a whole number such as 5" if field.is_whole else "a number such as 5 or 0.5"
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(f"{field.label} must be {example}, not {quoted(text)}.")
    value = parsed_json(text)
    if field.is_whole and not isinstance(value, int):
        raise InvalidInput(f"{field.label} must be {example}, not {quoted(text)}.")
    _check(field, value)
    return value


# Durations


def _read_duration(field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs).strip()
    if not text:
        return ABSENT
    if field.takes_references and references_in(text):
        return text
    value = typed_duration(text)
    length = value if isinstance(value, int) else durations.milliseconds(value or "")
    if value is None or length is None or length > durations.MAX_DURATION:
        raise InvalidInput(f"{field.label} {durations.RULE}, not {quoted(text)}.")
    if field.rules.min and length < field.rules.min:
        raise InvalidInput(f"{field.label} must be longer than 0.")
    return value


def typed_duration(text: str) -> int | str | None:
    """Return the duration for "500", "2h", "90 Min" or "1.5 hours"; None if it is not a duration."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    match = _TYPED_DURATION.fullmatch(text)
    unit = _UNITS.get(match[3].lower()) if match else None
    if match is None or unit is None:
        return None
    whole, fraction = int(match[1]), match[2]
    if unit == "ms" or fraction:
        step = 1 if unit == "ms" else durations.milliseconds(f"1 {unit}") or 0
        parts: int = int(fraction or 0) * step // 10 ** len(fraction or "")
        return whole * step + parts
    return (
        text
        if durations.milliseconds(text) is not None
        else f"{whole} {unit}{'' if whole == 1 else 's'}"
    )


_UNITS: Final = {
    name: unit
    for unit, names in {
        "ms": "ms msec millisecond milliseconds",
        "second": "s sec secs second seconds",
        "minute": "m min mins minute minutes",
        "hour": "h hr hrs hour hours",
        "day": "d day days",
        "week": "w week weeks",
        "month": "month months",
        "year": "y year years",
    }.items()
    for name in names.split()
}


# Choices


def _write_switch(field: SettingField, value: Any) -> Inputs:
    effective = field.default if is_blank(value) else value
    if isinstance(effective, bool):
        return {"": ["yes" if effective else "no"]}
    return _write_expression(field, value)


def _write_expression(_field: SettingField, value: Any) -> Inputs:
    return {"": [""], EXPRESSION: [value]} if isinstance(value, str) and value else {"": [""]}


def _read_switch(field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs)
    if text not in ("yes", "no", ""):
        raise InvalidInput(f"{field.label} must be yes or no, not {quoted(text)}.")
    value = {"yes": True, "no": False}.get(text, ABSENT)
    return ABSENT if value == field.default else value


def _write_select(field: SettingField, value: Any) -> Inputs:
    return {"": [value]} if value in field.options else _write_expression(field, value)


def _read_select(field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs)
    if text:
        _check(field, text)
    return ABSENT if text in ("", field.default) else text


def _write_multiselect(field: SettingField, value: Any) -> Inputs:
    if isinstance(value, list):
        return {"": ["", *(item for item in value if isinstance(item, str))]}
    if (value is ABSENT or value is None) and isinstance(field.default, list):
        return {"": ["", *field.default]}
    return _write_expression(field, value)


def _read_multiselect(field: SettingField, inputs: Inputs) -> Any:
    chosen = {text for text in inputs.get("", ()) if text}
    value = [option for option in field.options if option in chosen]
    _check(field, sorted(chosen))
    if value == field.default:
        return ABSENT
    return value if value or field.default else ABSENT


# Moments


def _write_moment(field: SettingField, value: Any) -> Inputs:
    match = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if match is None or match[2] is None or not _is_moment(value, match[3]):
        return {**_write_expression(field, value), "zone": ["Z"]}
    seconds = "" if match[2] == "00" else f":{match[2]}"
    return {"": [match[1] + seconds], "zone": [match[3]]}


def _is_moment(text: str, zone: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return _ZONE.fullmatch(zone) is not None


def _read_moment(field: SettingField, inputs: Inputs) -> Any:
    text, zone = last(inputs), last(inputs, "zone") or "Z"
    if not text:
        return ABSENT
    match = _LOCAL_TIME.fullmatch(text)
    if match is None or not _ZONE.fullmatch(zone):
        raise InvalidInput(f"{field.label} must be a date and a time, not {quoted(text)}.")
    return f"{match[1]}:{match[2] or '00'}{zone}"


# JSON


def _write_json(_field: SettingField, value: Any) -> Inputs:
    if isinstance(value, str):
        return {"": [value]}
    return {"": [""]} if value is ABSENT or value is None else {"": [json_text(value)]}


def read_json(field: SettingField, inputs: Inputs) -> Any:
    """Return the JSON value; text if it is a string, or if it is only JSON once its references have values."""
    text = last(inputs)
    if not text.strip():
        return ABSENT
    if references_in(text) and _is_json_with_references(text) and not _is_json(text):
        return text
    value = parsed_json(text)
    return text if isinstance(value, str) else value


def _read_payload(_field: SettingField, inputs: Inputs) -> Any:
    text = last(inputs)
    if not text.strip():
        return ABSENT
    value = parsed_json(text) if text.lstrip()[:1] in ("{", "[") and _is_json(text) else None
    return value if isinstance(value, dict | list) else text


def _is_json(text: str) -> bool:
    try:
        json_reader.loads(text)
    except json_reader.RepeatedKey:
        return True
    except (ValueError, RecursionError):
        return False
    return True


def _is_json_with_references(text: str) -> bool:
    try:
        fields.loads_with_references(text)
    except NotJson:
        return False
    return True


# Tables and lists


def _write_table(_field: SettingField, value: Any) -> Inputs:
    members = value.items() if isinstance(value, dict) else ()
    rows = [
        (name, text) for name, text in members if isinstance(text, str) and "\n" not in name + text
    ]
    return {"name": [name for name, _ in rows], "value": [text for _, text in rows]}


def _read_table(_field: SettingField, inputs: Inputs) -> Any:
    table: dict[str, str] = {}
    for name, value in zip(inputs.get("name", ()), inputs.get("value", ()), strict=False):
        if not name and value:
            raise InvalidInput(f"Give the value {quoted(value)} a name.")
        if name in table:
            raise InvalidInput(f"{quoted(name)} is listed twice: remove one.")
        if name:
            table[name] = value
    return table or ABSENT


def _write_list(field: SettingField, value: Any) -> Inputs:
    """Return the inputs of each object: its fields, and in `rest` all other members as JSON."""
    inputs: dict[str, list[str]] = {}
    names = [part.name for part in field.items]
    for index, item in enumerate(value if isinstance(value, list) else ()):
        if not isinstance(item, dict) or not all(
            _fits(part, item.get(part.name)) for part in field.items
        ):
            return {}
        for part in field.items:
            inputs[f"{index}.{part.name}"] = [_written(part, item.get(part.name))]
        rest = {name: member for name, member in item.items() if name not in names}
        inputs[f"{index}.rest"] = [json.dumps(rest) if rest else ""]
    return inputs


def _fits(part: SettingField, value: Any) -> bool:
    """Whether an input in a row can show the value."""
    if value is None:
        return True
    if part.kind is FieldKind.SWITCH:
        return isinstance(value, bool)
    return isinstance(value, str) and (part.kind is not FieldKind.SELECT or value in part.options)


def _written(part: SettingField, value: Any) -> str:
    if part.kind is FieldKind.SWITCH:
        return "yes" if value else "no"
    return value or (str(part.default) if part.kind is FieldKind.SELECT else "")


def _read_list(field: SettingField, inputs: Inputs) -> Any:
    rows: dict[int, dict[str, str]] = {}
    for key in inputs:
        if match := _ROW.fullmatch(key):
            rows.setdefault(int(match[1]), {})[match[2]] = last(inputs, key)
    kept = [row for _, row in sorted(rows.items()) if not row.get(REMOVE)]
    return [_item(field, row) for row in kept if _is_filled(field, row)] or ABSENT


def _is_filled(field: SettingField, row: Mapping[str, str]) -> bool:
    """Whether something was typed into the row; its choices always have a value."""
    typed = [part.name for part in field.items if part.kind not in _CHOSEN]
    return any(row.get(name) for name in (*typed, "rest"))


_CHOSEN: Final = (FieldKind.SELECT, FieldKind.SWITCH)


def _item(field: SettingField, row: Mapping[str, str]) -> dict[str, Any]:
    rest = parsed_json(row["rest"]) if row.get("rest") else {}
    own = {part.name: _read_part(part, row.get(part.name, "")) for part in field.items}
    return {**(rest if isinstance(rest, dict) else {}), **own}


def _read_part(part: SettingField, text: str) -> Any:
    if part.kind is FieldKind.SWITCH:
        return text == "yes"
    if part.kind is FieldKind.SELECT:
        _check(part, text or str(part.default))
        return text or str(part.default)
    return text


def without_blanks(field: SettingField, items: Any) -> Any:
    """Return the objects of a list without empty members and defaults, which mean the same as missing ones."""
    if not isinstance(items, list):
        return items
    return [
        {name: member for name, member in item.items() if not is_blank_part(field, name, member)}
        if isinstance(item, dict)
        else item
        for item in items
    ]


def is_blank_part(field: SettingField, name: str, member: Any) -> bool:
    """Whether a member of an object in a list means the same as a missing one."""
    if member is None or member == "":
        return True
    part = next((part for part in field.items if part.name == name), None)
    default = part.default if part else None
    return default is not None and type(member) is type(default) and member == default


WRITERS: Final[Mapping[FieldKind, Callable[[SettingField, Any], Inputs]]] = {
    FieldKind.NUMBER: _write_number,
    FieldKind.DURATION: _write_number,
    FieldKind.SWITCH: _write_switch,
    FieldKind.SELECT: _write_select,
    FieldKind.MULTISELECT: _write_multiselect,
    FieldKind.MOMENT: _write_moment,
    FieldKind.JSON: _write_json,
    FieldKind.PAYLOAD: _write_json,
    FieldKind.TABLE: _write_table,
    FieldKind.LIST: _write_list,
}
READERS: Final[Mapping[FieldKind, Callable[[SettingField, Inputs], Any]]] = {
    FieldKind.TEXT: _read_text,
    FieldKind.NAME: _read_text,
    FieldKind.NUMBER: _read_number,
    FieldKind.DURATION: _read_duration,
    FieldKind.SWITCH: _read_switch,
    FieldKind.SELECT: _read_select,
    FieldKind.MULTISELECT: _read_multiselect,
    FieldKind.MOMENT: _read_moment,
    FieldKind.CODE: _read_code,
    FieldKind.JSON: read_json,
    FieldKind.PAYLOAD: _read_payload,
    FieldKind.TABLE: _read_table,
    FieldKind.LIST: _read_list,
}
