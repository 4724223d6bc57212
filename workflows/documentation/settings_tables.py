"""The tables of settings in the documentation, from the declared fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from workflows.ir.document.step_policy import RETRY_FIELDS, ROLLBACK_FIELDS
from workflows.ir.settings.setting_field import FieldKind, SettingField

_FOLDED: Final = (
    (
        RETRY_FIELDS,
        "as for every step | see [Retries and timeouts](../steps.md#retries-and-timeouts)",
    ),
    (ROLLBACK_FIELDS, "as for every step | see [Rollbacks](../steps.md#rollbacks)"),
)
_HEAD: Final = "| setting | default | description |\n| --- | --- | --- |"


def table(fields: Iterable[SettingField], *, folds_retries: bool = True) -> str:
    """Return a Markdown table of fields; those that all steps have share a row, and so do their rollbacks."""
    all_fields = list(fields)
    folded = [
        ([field for field in all_fields if field in usual], text)
        for usual, text in (_FOLDED if folds_retries else ())
    ]
    usual = [field for group, _ in folded for field in group]
    rows = [row for field in all_fields if field not in usual for row in _rows(field)]
    for group, text in folded:
        if group:
            rows.append(f"| {', '.join(f'`{field.name}`' for field in group)} | {text} |")
    return "\n".join([_HEAD, *rows])


def _rows(field: SettingField, path: str = "") -> Iterator[str]:
    name = f"{path}{field.name}"
    yield f"| `{name}` | {_default(field)} | {_description(field)} |"
    for item in field.items:
        yield from _rows(item, f"{name}[].")


def _default(field: SettingField) -> str:
    if field.variable:
        return f"the secret `{field.variable}`"
    if field.default is not None:
        return f"`{json.dumps(field.default)}`"
    if not field.must_be_written:
        return "none"
    values = field.shown_when.values if field.shown_when else ()
    return f"required for {_listed(values)}" if values else "required"


def _description(field: SettingField) -> str:
    sentences = [field.help, _allowed(field), _condition(field), field.details]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)


def _condition(field: SettingField) -> str:
    """Return for which values of another field this one applies, unless its default says so."""
    if field.shown_when is None or field.must_be_written:
        return ""
    return f"Only for {_listed(field.shown_when.values)}"


def _allowed(field: SettingField) -> str:
    """Return the options or limits as a sentence, unless the help names all options."""
    if field.options and not all(f"`{option}`" in field.help for option in field.options):
        return f"{_listed(field.options)}"
    rules = field.rules
    if field.kind is FieldKind.NUMBER and rules.min is not None and rules.max is not None:
        return f"From {rules.min:,.0f} to {rules.max:,.0f}"
    return ""


def _listed(options: Iterable[str]) -> str:
    *others, last = [f"`{option}`" for option in options]
    return f"{', '.join(others)} or {last}" if others else last
