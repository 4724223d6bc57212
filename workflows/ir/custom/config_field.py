"""A field in the settings of a custom type, and the checks of its values."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from workflows.ir.custom.formats import FORMATS
from workflows.ir.custom.patterns import Pattern
from workflows.ir.reading.problems import listed, quoted


class FieldKind(StrEnum):
    """The type of a field."""

    STRING = "string"
    NUMBER = "number"
    BOOLEAN = "boolean"
    SELECT = "select"
    MULTISELECT = "multiselect"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    CODE = "code"
    JSON = "json"
    EXPRESSION = "expression"
    TEXTAREA = "textarea"

    @property
    def is_text(self) -> bool:
        return self in (FieldKind.STRING, FieldKind.TEXTAREA)

    @property
    def is_choice(self) -> bool:
        return self in (FieldKind.SELECT, FieldKind.MULTISELECT)

    @property
    def is_code(self) -> bool:
        """Whether the value is a TypeScript expression."""
        return self in (FieldKind.CODE, FieldKind.EXPRESSION)

    @property
    def expected(self) -> str:
        """What a document must contain, for use in a sentence."""
        return _EXPECTED[self]


_EXPECTED: Final = {
    FieldKind.STRING: "text",
    FieldKind.NUMBER: "a number",
    FieldKind.BOOLEAN: "true or false",
    FieldKind.SELECT: "one of its options",
    FieldKind.MULTISELECT: "a list of its options",
    FieldKind.SECRET: "a secret",
    FieldKind.CODE: "an expression",
    FieldKind.JSON: "JSON",
    FieldKind.EXPRESSION: "an expression",
    FieldKind.TEXTAREA: "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules for a value; None or "" for no rule."""

    min: float | None = None
    max: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigField:
    """A setting of a custom type; `variable` holds the value of a secret."""

    key: str
    kind: FieldKind
    label: str
    description: str = ""
    required: bool = False
    default: Any = None
    options: tuple[str, ...] = ()
    variable: str = ""
    rules: Rules = Rules()

    @property
    def always_has_value(self) -> bool:
        """Whether the value is never undefined in `ctx.config`."""
        return self.required or self.default is not None

    @property
    def typescript(self) -> str:
        """The type of the value in `ctx.config`."""
        if self.kind.is_choice:
            options = " | ".join(json.dumps(option) for option in self.options) or "string"
            return options if self.kind is FieldKind.SELECT else f"({options})[]"
        return _TYPES.get(self.kind, "any")


_TYPES: Final[Mapping[FieldKind, str]] = {
    FieldKind.STRING: "string",
    FieldKind.TEXTAREA: "string",
    FieldKind.SECRET: "string",
    FieldKind.NUMBER: "number",
    FieldKind.BOOLEAN: "boolean",
}


def value_errors(field: ConfigField, value: Any) -> Iterator[str]:
    """Yield why a value without references does not fit the field."""
    check = _CHECKS.get(field.kind)
    if check:
        yield from check(field, value)


def _text(field: ConfigField, value: Any) -> Iterator[str]:
    rules = field.rules
    if not isinstance(value, str):
        yield f"must be text, not {quoted(value)}"
        return
    if rules.min_length is not None and len(value) < rules.min_length:
        yield f"must have at least {rules.min_length} characters, not {len(value)}"
    if rules.max_length is not None and len(value) > rules.max_length:
        yield f"must have at most {rules.max_length} characters, not {len(value)}"
    if rules.pattern and not rules.pattern.matches(value):
        yield f"must match the pattern {rules.pattern.source}, but {quoted(value)} does not"
    if rules.format and not FORMATS[rules.format].matches(value):
        yield f"must be {FORMATS[rules.format].description}, not {quoted(value)}"


def _number(field: ConfigField, value: Any) -> Iterator[str]:
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


def _flag(_field: ConfigField, value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"must be true or false, not {quoted(value)}"


def _option(field: ConfigField, value: Any) -> Iterator[str]:
    if value not in field.options:
        yield f"must be one of {listed(field.options, limit=30)}, not {quoted(value)}"


def _options(field: ConfigField, value: Any) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"must be a list of {listed(field.options, limit=30)}, not {quoted(value)}"
        return
    options = frozenset(field.options)
    others = [item for item in value if not isinstance(item, str) or item not in options]
    if len(others) == 1:
        yield from _option(field, others[0])
    elif others:  # list the options only once
        yield f"{listed(others)} must be among {listed(field.options, limit=30)}"


def _code(_field: ConfigField, value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value.strip():
        yield f"must be an expression as text, not {quoted(value)}"


_CHECKS: Final[Mapping[FieldKind, Callable[[ConfigField, Any], Iterator[str]]]] = {
    FieldKind.STRING: _text,
    FieldKind.TEXTAREA: _text,
    FieldKind.NUMBER: _number,
    FieldKind.BOOLEAN: _flag,
    FieldKind.SELECT: _option,
    FieldKind.MULTISELECT: _options,
    FieldKind.CODE: _code,
    FieldKind.EXPRESSION: _code,
}
