"""The declaration of one field in the settings of a node type or trigger.

Readers, warnings about unknown settings, forms, documentation and JSON Schemas all use it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from workflows.ir.reading.bindings import BindingKind
from workflows.ir.settings.patterns import Pattern


class FieldKind(StrEnum):
    """What a field holds; it decides how a form shows it."""

    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    SELECT = "select"
    MULTISELECT = "multiselect"
    SECRET = "secret"  # noqa: S105 - the name of a kind
    DURATION = "duration"
    MOMENT = "moment"
    CODE = "code"
    JSON = "json"
    PAYLOAD = "payload"
    """JSON, or an expression."""
    TABLE = "table"
    """An object of names and values."""
    NAME = "name"
    """The name of a variable or of a binding."""
    LIST = "list"
    """A list of objects, whose fields are `items`."""

    @property
    def is_choice(self) -> bool:
        return self in (FieldKind.SELECT, FieldKind.MULTISELECT)

    @property
    def expected(self) -> str:
        """What a document must contain, for use in a sentence."""
        return _EXPECTED[self]


_EXPECTED: Final[Mapping[FieldKind, str]] = {
    FieldKind.TEXT: "text",
    FieldKind.NUMBER: "a number",
    FieldKind.SWITCH: "true or false",
    FieldKind.SELECT: "one of its options",
    FieldKind.MULTISELECT: "a list of its options",
    FieldKind.SECRET: "a secret",
    FieldKind.DURATION: "a duration",
    FieldKind.MOMENT: "a date or an expression",
    FieldKind.CODE: "an expression",
    FieldKind.JSON: "JSON",
    FieldKind.PAYLOAD: "JSON or an expression",
    FieldKind.TABLE: "an object",
    FieldKind.NAME: "a name",
    FieldKind.LIST: "a list",
}


class Group(StrEnum):
    """Where a form shows a field."""

    MAIN = "main"
    RETRIES = "retries"
    """Folded: retries, timeout and secrecy of durable steps."""
    ROLLBACK = "rollback"
    """Folded: what undoes a durable step."""
    COMPATIBILITY = "compatibility"
    """Read because other tools write it; shown only if a document has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules for a value; None or "" for no rule. `pattern_rule` describes the pattern in a sentence."""

    min: float | None = None
    max: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: Pattern | None = None
    pattern_rule: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A name that only the code of one field can use, and whether its value may be undefined."""

    name: str
    title: str
    may_be_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWhen:
    """A field applies only if another field, whose default is `default`, has one of these values."""

    name: str
    values: tuple[str, ...]
    default: str = ""

    @property
    def values_json(self) -> str:
        """The values as JSON, for the script of a form."""
        return json.dumps(self.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One field: `name` is its key in `data`.

    - `help`: one sentence, with `code` in backticks; `details`: further Markdown, for the documentation.
    - `default`: the value that applies if the setting is missing, or None.
    - `shown_when`: when the field applies; a `required` field is then required if it applies.
    - `takes_references`: whether `{{ node.path }}` stands for a value.
    - `is_expression`: code that is one expression, not the body of a function.
    - `parameters`: the names that only this code can use.
    - `is_whole`: a whole number. `is_multiline`: text with several lines.
    - `items`: the fields of each object in a list.
    - `config_path`: where the node's `config` can hold the value, which then takes precedence.
    - `variable`: the variable that holds the value of a secret.
    - `binding`: the kind of the binding whose name the field holds.
    - `json_schema`: the JSON Schema of the value, as text, for completion of keys and values.
    - `suggests`: the kind of the documents whose ids a form suggests; other values are allowed too.
    """

    name: str
    kind: FieldKind
    label: str
    help: str = ""
    details: str = ""
    required: bool = False
    default: Any = None
    options: tuple[str, ...] = ()
    rules: Rules = Rules()
    shown_when: ShownWhen | None = None
    group: Group = Group.MAIN
    takes_references: bool = False
    is_expression: bool = False
    parameters: tuple[Parameter, ...] = ()
    is_whole: bool = False
    is_multiline: bool = False
    items: tuple[SettingField, ...] = ()
    config_path: str = ""
    placeholder: str = ""
    variable: str = ""
    binding: BindingKind | None = None
    json_schema: str = ""
    suggests: str = ""

    @property
    def parameter_names(self) -> tuple[str, ...]:
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def must_be_written(self) -> bool:
        """Whether a document is invalid without the field, if it applies."""
        return self.required and self.default is None and not self.variable

    @property
    def is_always_required(self) -> bool:
        """Whether a document is invalid without the field, whatever the other settings are."""
        return self.must_be_written and self.shown_when is None

    @property
    def always_has_value(self) -> bool:
        """Whether the value is never undefined in `ctx.config`."""
        return (self.required and self.shown_when is None) or self.default is not None

    @property
    def typescript(self) -> str:
        """The type of the value in the `ctx.config` of a custom type."""
        if self.kind.is_choice:
            options = " | ".join(json.dumps(option) for option in self.options) or "string"
            return options if self.kind is FieldKind.SELECT else f"({options})[]"
        if self.binding:
            return self.binding.typescript
        return _TYPES.get(self.kind, "any")


_TYPES: Final[Mapping[FieldKind, str]] = {
    FieldKind.TEXT: "string",
    FieldKind.SECRET: "string",
    FieldKind.NUMBER: "number",
    FieldKind.SWITCH: "boolean",
}


def fields_by_name(fields: Iterable[SettingField]) -> Mapping[str, SettingField]:
    """Return the fields by name."""
    return {field.name: field for field in fields}
