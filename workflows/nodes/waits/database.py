"""The D1 database in which runs of different times find each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from workflows.ir.document.node_types import BoundName
from workflows.ir.document.step_policy import NOT_RETRIED, TIMEOUT, retry_fields
from workflows.ir.reading.bindings import VARIABLE_NAME, BindingKind, is_reserved
from workflows.ir.reading.problems import quoted
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_string
from workflows.ir.settings.setting_field import FieldKind, SettingField

DATABASE: Final = SettingField(
    name="database",
    kind=FieldKind.NAME,
    label="Database",
    help="The name of the binding of a D1 database.",
    default="DB",
    binding=BindingKind.D1,
)
STEP_FIELDS: Final = tuple(
    field for field in retry_fields() if field.name not in (TIMEOUT.name, NOT_RETRIED.name)
)
"""The fields of the steps that use the database."""


def read_database(data: Reader) -> str:
    """Return the name of the binding; the default if it is not a name."""
    name = read_string(data, DATABASE)
    if VARIABLE_NAME.fullmatch(name) and not is_reserved(name):
        return name
    data.problem(
        DATABASE.name,
        "is reserved: choose a different name"
        if is_reserved(name)
        else f"must be the name of a binding in capital letters such as DB, not {quoted(name)}",
    )
    return str(DATABASE.default)


def bindings(settings: Any) -> Iterator[BoundName]:
    """Yield the binding of the database of a node."""
    yield BoundName(name=settings.database, kind=BindingKind.D1, path=f"data.{DATABASE.name}")
