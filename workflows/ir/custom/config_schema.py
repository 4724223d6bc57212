"""The `configSchema` of a node.json: the fields of a custom type's settings."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from workflows.ir.custom.config_field import ConfigField, FieldKind, Rules, is_number, value_errors
from workflows.ir.custom.formats import FORMATS
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME
from workflows.ir.reading.fields import strings_in
from workflows.ir.reading.problems import listed, quoted
from workflows.ir.reading.reader import Reader

_KEY: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LONGEST: Final = 2**31 - 1
_TEXT_RULES: Final = ("minLength", "maxLength", "pattern", "format")
_NUMBER_RULES: Final = ("min", "max")


def read_fields(definition: Reader) -> tuple[ConfigField, ...]:
    schema = definition.required("configSchema")
    return tuple(_fields(schema))


def _fields(schema: Reader) -> Iterator[ConfigField]:
    for key in schema.value:
        if not _KEY.fullmatch(key) or key == "__proto__":
            schema.problem(key, f"{quoted(key)} must be a name of letters, digits, _ and $")
        yield _field(schema.required(key), key)


def _field(reader: Reader, key: str) -> ConfigField:
    kinds = [kind.value for kind in FieldKind]
    if reader.value and not reader.has("type"):
        reader.problem("type", f"is missing: write one of {listed(kinds)}")
    kind = FieldKind(reader.choice("type", "string", kinds))
    reader.know("placeholder", "options", "default", "envVarName", "validation")
    field = ConfigField(
        key=key,
        kind=kind,
        label=reader.string("label", key),
        description=reader.string("description", ""),
        required=reader.flag("required", default=False),
        options=_options(reader, kind),
        variable=_variable(reader, kind),
        rules=_rules(reader, kind),
    )
    field = replace(field, default=_default(reader, field))
    reader.warn_of_unknown("is no part of a field: it has no effect")
    return field


def _options(reader: Reader, kind: FieldKind) -> tuple[str, ...]:
    if not kind.is_choice:
        if reader.has("options"):
            reader.problem("options", f"belongs to select and multiselect, not to {kind}")
        return ()
    given = reader.raw("options")
    if not isinstance(given, list) or not given:
        reader.problem("options", 'is missing: write what can be chosen, as ["small", "large"]')
        return ()
    found = [_option(item) for item in given]
    wrong = [index for index, option in enumerate(found) if not option]
    for index in wrong:
        reader.problem(f"options.{index}", f"must be text, not {quoted(given[index])}")
    options = tuple(option for option in found if option)
    if len(set(options)) < len(options):
        reader.problem("options", "holds an option twice: keep one")
    return options


def _option(item: Any) -> str:
    """Return what a document holds for an option: the text, or the `value` beside its label."""
    value = item.get("value") if isinstance(item, dict) else item
    return value if isinstance(value, str) else ""


def _variable(reader: Reader, kind: FieldKind) -> str:
    if kind is not FieldKind.SECRET:
        if reader.has("envVarName"):
            reader.warning("envVarName", f"has no effect on a field of type {kind}")
        return ""
    name = reader.string("envVarName")
    if name and not VARIABLE_NAME.fullmatch(name):
        reader.problem("envVarName", f"must be as in API_KEY (A-Z, 0-9, _), not {quoted(name)}")
    elif name == OWN_WORKFLOW or name.endswith(BINDING_ID):
        reader.problem("envVarName", f"{name} means something else: choose another name")
    return name


def _rules(reader: Reader, kind: FieldKind) -> Rules:
    validation = reader.child("validation")
    if validation is None:
        return Rules()
    _check_belonging(validation, kind)
    rules = Rules(
        min=_bound(validation, "min"),
        max=_bound(validation, "max"),
        min_length=_length(validation, "minLength"),
        max_length=_length(validation, "maxLength"),
        pattern=_pattern(validation),
        format=validation.choice("format", "", list(FORMATS)),
    )
    _check_order(validation, rules)
    validation.warn_of_unknown("is no rule: it has no effect")
    return rules


def _check_belonging(validation: Reader, kind: FieldKind) -> None:
    for rule in _NUMBER_RULES if kind is not FieldKind.NUMBER else ():
        if validation.has(rule):
            validation.problem(rule, f"is a rule for number, not for {kind}")
    for rule in _TEXT_RULES if not kind.is_text else ():
        if validation.has(rule):
            validation.problem(rule, f"is a rule for string and textarea, not for {kind}")


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
    return validation.integer(key, None, least=0, most=_LONGEST)


def _pattern(validation: Reader) -> re.Pattern[str] | None:
    written = validation.string("pattern", "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what may mean something else in a later Python
            return re.compile(written) if written else None
    except (re.error, OverflowError, RecursionError) as error:
        validation.problem("pattern", f"cannot be read as a regular expression: {error}")
        return None


def _check_order(validation: Reader, rules: Rules) -> None:
    pairs = (("min", rules.min, rules.max), ("minLength", rules.min_length, rules.max_length))
    for key, least, most in pairs:
        if least is not None and most is not None and least > most:
            validation.problem(key, f"must not be larger than {key.replace('min', 'max')}")


def _default(reader: Reader, field: ConfigField) -> Any:
    value = reader.raw("default")
    if value is None:
        return None
    if field.kind is FieldKind.SECRET:  # never quoted: it may be a real one
        reader.problem("default", "a secret has no default: its value is a variable's")
        return None
    wrong = list(value_errors(field, value))
    if any("{{" in part for part in strings_in(value)):
        wrong.append("must hold no {{ reference }}: it cannot know a document's nodes")
    for message in wrong:
        reader.problem("default", message)
    return None if wrong else value
