"""Reads the `configSchema` of a node.json: the fields of a custom type's settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from toolchain.invisible_characters import invisible_problem
from workflows.ir.reading.bindings import VARIABLE_NAME, BindingKind, is_reserved
from workflows.ir.reading.fields import strings_in
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.formats import FORMATS
from workflows.ir.settings.patterns import (
    InvalidPattern,
    Pattern,
    UnsupportedPattern,
    read_pattern,
)
from workflows.ir.settings.setting_field import FieldKind, Rules, SettingField, ShownWhen
from workflows.ir.settings.value_checks import is_number, value_errors


def _type(
    kind: FieldKind, *, is_expression: bool = False, is_multiline: bool = False
) -> SettingField:
    return SettingField(
        name="",
        label="",
        kind=kind,
        takes_references=kind not in (FieldKind.SECRET, FieldKind.NAME),
        is_expression=is_expression,
        is_multiline=is_multiline,
    )


CONFIG_TYPES: Final[Mapping[str, SettingField]] = {
    "string": _type(FieldKind.TEXT),
    "number": _type(FieldKind.NUMBER),
    "boolean": _type(FieldKind.SWITCH),
    "select": _type(FieldKind.SELECT),
    "multiselect": _type(FieldKind.MULTISELECT),
    "secret": _type(FieldKind.SECRET),
    "code": _type(FieldKind.CODE, is_expression=True),
    "json": _type(FieldKind.JSON),
    "expression": _type(FieldKind.CODE, is_expression=True),
    "textarea": _type(FieldKind.TEXT, is_multiline=True),
    "binding": _type(FieldKind.NAME),
}
"""What each `type` of a setting in a node.json means."""

_BINDINGS: Final = tuple(
    kind.value for kind in BindingKind if kind not in (BindingKind.SERVICE, BindingKind.WORKFLOW)
)
_BINDING_RULES: Final = Rules(
    pattern=read_pattern(rf"^{VARIABLE_NAME.pattern}$"),
    pattern_rule="must be a name in capital letters such as MY_KV (A-Z, 0-9, _)",
)
_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_MAX_LENGTH: Final = 2**31 - 1
_TEXT_RULES: Final = ("minLength", "maxLength", "pattern", "format")
_NUMBER_RULES: Final = ("min", "max")
_UNCHECKED: Final = (
    "uses syntax that RE2 does not support, such as look-around, back-references or \\u escapes"
)


def read_fields(definition: Reader) -> tuple[SettingField, ...]:
    """Read all fields; invalid parts are reported as problems."""
    schema = definition.required("configSchema")
    return tuple(_fields(schema))


def _fields(schema: Reader) -> Iterator[SettingField]:
    fields = list(_own_fields(schema))
    by_name = {field.name: field for field, _ in fields}
    for field, reader in fields:
        yield replace(field, shown_when=_shown_when(reader, by_name))


def _own_fields(schema: Reader) -> Iterator[tuple[SettingField, Reader]]:
    for key in schema.value:
        if not _KEY.fullmatch(key) or key == "__proto__":
            schema.problem(
                key,
                f"{quoted(key)} must be a name of letters, digits, _ and $, not starting with a digit",
            )
        reader = schema.required(key)
        yield _field(reader, key), reader


def _field(reader: Reader, name: str) -> SettingField:
    if reader.value and not reader.has("type"):
        reader.problem("type", f"is missing: write one of {listed(CONFIG_TYPES)}")
    type_ = reader.choice("type", "string", list(CONFIG_TYPES))
    traits = CONFIG_TYPES[type_]
    field = replace(
        traits,
        name=name,
        label=_label(reader, name),
        help=reader.string("description", ""),
        placeholder=_placeholder(reader),
        required=reader.flag("required", default=False),
        options=_options(reader, traits.kind, type_),
        variable=_variable(reader, traits.kind, type_),
        binding=_binding(reader, traits.kind, type_),
        takes_references=_takes_references(reader, traits, type_),
        rules=_rules(reader, traits.kind, type_),
    )
    reader.know("options", "default", "envVarName", "validation", "binding", "shownWhen")
    field = replace(field, default=_default(reader, field))
    reader.warn_about_unknown("is not a field property and has no effect: check the spelling")
    return field


def _label(reader: Reader, name: str) -> str:
    label = reader.string("label", name)
    if problem := invisible_problem(label):
        reader.problem("label", problem)
    return label


def _placeholder(reader: Reader) -> str:
    value = reader.raw("placeholder")
    return value if isinstance(value, str) else ""


def _options(reader: Reader, kind: FieldKind, type_: str) -> tuple[str, ...]:
    if not kind.is_choice:
        if reader.has("options"):
            reader.problem(
                "options",
                f"applies only to select and multiselect fields, not to {type_}: remove it",
            )
        return ()
    items = reader.raw("options")
    if not isinstance(items, list) or not items:
        reader.problem("options", 'is missing: write a list such as ["small", "large"]')
        return ()
    options = [_option(item) for item in items]
    for index, option in enumerate(options):
        if not option:
            reader.problem(f"options.{index}", f"must be text, not {quoted(items[index])}")
    valid = tuple(filter(None, options))
    if len(set(valid)) < len(valid):
        reader.problem("options", "lists an option twice: remove one")
    return valid


def _option(item: Any) -> str:
    """Return the value of an option, which is text or an object with a `value` and a label; "" if invalid."""
    value = item.get("value") if isinstance(item, dict) else item
    return value if isinstance(value, str) else ""


def _variable(reader: Reader, kind: FieldKind, type_: str) -> str:
    if kind is not FieldKind.SECRET:
        if reader.has("envVarName"):
            reader.warning("envVarName", f"has no effect on a field of type {type_}: remove it")
        return ""
    name = reader.string("envVarName")
    if name and not VARIABLE_NAME.fullmatch(name):
        reader.problem(
            "envVarName", f"must be a name such as API_KEY (A-Z, 0-9, _), not {quoted(name)}"
        )
    elif is_reserved(name):
        reader.problem("envVarName", f"{name} is reserved: choose a different name")
    return name


def _binding(reader: Reader, kind: FieldKind, type_: str) -> BindingKind | None:
    """Return the kind of the binding whose name the field holds."""
    if kind is not FieldKind.NAME:
        if reader.has("binding"):
            reader.problem("binding", f"applies only to binding fields, not to {type_}: remove it")
        return None
    if not reader.has("binding"):
        reader.problem("binding", f"is missing: write one of {listed(_BINDINGS)}")
        return None
    kind_ = reader.choice("binding", "", _BINDINGS)
    return BindingKind(kind_) if kind_ else None


def _takes_references(reader: Reader, traits: SettingField, type_: str) -> bool:
    """Return whether a value may contain references; text that becomes a part of code must not."""
    allowed = reader.flag("references", default=True)
    if not allowed and traits.kind is not FieldKind.TEXT:
        reader.problem(
            "references", f"applies only to string and textarea fields, not to {type_}: remove it"
        )
    return traits.takes_references and allowed


def _shown_when(reader: Reader, fields: Mapping[str, SettingField]) -> ShownWhen | None:
    """Read `{"action": ["Send", "Update"]}`: the values of a select for which the field applies."""
    conditions = reader.child("shownWhen")
    if conditions is None:
        return None
    if len(conditions.value) != 1:
        reader.problem("shownWhen", 'must name one select field, as in {"action": ["Send"]}')
        return None
    [(name, values)] = conditions.value.items()
    other = fields.get(name)
    if other is None or other.kind is not FieldKind.SELECT:
        reader.problem("shownWhen", f"{quoted(name)} is not a select field of this type")
        return None
    if not isinstance(values, list) or not values or not set(map(str, values)) <= {*other.options}:
        options = listed(other.options, limit=30)
        reader.problem(f"shownWhen.{name}", f"must be a list of {options}, not {quoted(values)}")
        return None
    return ShownWhen(name=name, values=tuple(values), default=str(other.default or ""))


def _rules(reader: Reader, kind: FieldKind, type_: str) -> Rules:
    if kind is FieldKind.NAME:
        return _BINDING_RULES
    validation = reader.child("validation")
    if validation is None:
        return Rules()
    _check_applicable(validation, kind, type_)
    rules = Rules(
        min=_bound(validation, "min"),
        max=_bound(validation, "max"),
        min_length=_length(validation, "minLength"),
        max_length=_length(validation, "maxLength"),
        pattern=_pattern(validation),
        format=validation.choice("format", "", list(FORMATS)),
    )
    _check_order(validation, rules)
    validation.warn_about_unknown("is not a rule and has no effect: check the spelling")
    return rules


def _check_applicable(validation: Reader, kind: FieldKind, type_: str) -> None:
    for rule in _NUMBER_RULES if kind is not FieldKind.NUMBER else ():
        if validation.has(rule):
            validation.problem(rule, f"applies only to number fields, not to {type_}: remove it")
    for rule in _TEXT_RULES if kind is not FieldKind.TEXT else ():
        if validation.has(rule):
            validation.problem(
                rule, f"applies only to string and textarea fields, not to {type_}: remove it"
            )


def _bound(validation: Reader, key: str) -> float | None:
    value: float | None = validation.raw(key)
    if value is None or is_number(value):
        return value
    validation.problem(key, f"must be a number, not {quoted(value)}")
    return None


def _length(validation: Reader, key: str) -> int | None:
    if not validation.has(key):
        validation.know(key)
        return None
    return validation.integer(key, None, least=0, most=_MAX_LENGTH)


def _pattern(validation: Reader) -> Pattern | None:
    source = validation.string("pattern", "")
    try:
        return read_pattern(source) if source else None
    except InvalidPattern as error:
        validation.problem("pattern", str(error))
    except UnsupportedPattern as error:
        validation.warning("pattern", f"{_UNCHECKED} ({error}): values are not checked against it")
    return None


def _check_order(validation: Reader, rules: Rules) -> None:
    pairs = (("min", rules.min, rules.max), ("minLength", rules.min_length, rules.max_length))
    for key, least, most in pairs:
        if least is not None and most is not None and least > most:
            validation.problem(key, f"must not be greater than {key.replace('min', 'max')}")


def _default(reader: Reader, field: SettingField) -> Any:
    value = reader.raw("default")
    if value is None:
        return None
    if field.kind is FieldKind.SECRET:  # never quoted: it may be a real secret
        reader.problem(
            "default",
            "a secret cannot have a default, because its value comes from a variable: remove it",
        )
        return None
    errors = list(value_errors(field, value))
    if any("{{" in part for part in strings_in(value)):
        errors.append("cannot contain a {{ reference }}: write a fixed value")
    for error in errors:
        reader.problem("default", error)
    return None if errors else value
