"""The variables that a deploy of a workflow's draft would set, and those that its code lacks."""

from __future__ import annotations

from dataclasses import dataclass

from audit.encrypted_fields import UnreadableSecret
from audit.models import Entry
from workflows.audit_entries import last_set
from workflows.codegen.module.generate import GeneratedModule
from workflows.draft_code import (
    generated_module,
    missing_variables,
    stored_variables,
    variable_uses,
)
from workflows.ir.reading.bindings import BINDING_ID
from workflows.ir.reading.problems import InvalidIR
from workflows.models import EnvironmentVariable, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A variable by name: the stored one, None if it is missing, and whether the code uses it.

    `value` is None if it is secret or cannot be read. `last_set` is the entry in the audit trail for the
    last time that it was set; None if that is not recorded.
    """

    name: str
    variable: EnvironmentVariable | None
    value: str | None
    is_used: bool
    last_set: Entry | None = None

    @property
    def is_global(self) -> bool:
        return self.variable is not None and self.variable.workflow_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The rows of the page; `is_known` is False if no code could be generated."""

    rows: list[Row]
    is_known: bool

    @property
    def missing(self) -> list[Row]:
        return [row for row in self.rows if row.variable is None]


def variables_of(workflow: Workflow) -> Variables:
    """Return the workflow's own variables, and the global and missing ones that its code uses."""
    module = _module(workflow)
    used = {use.name for use in variable_uses(module)} if module else set()
    shown = {
        name: variable
        for name, variable in stored_variables(workflow).items()
        if variable.workflow_id or name in used or name.endswith(BINDING_ID)
    }
    missing = {use.name for use in missing_variables(workflow, module)} if module else set()
    last = last_set(shown.values())
    rows = [
        Row(
            name=name,
            variable=variable,
            value=_value(variable),
            is_used=name in used,
            last_set=last.get(variable.pk),
        )
        for name, variable in shown.items()
    ]
    rows += [Row(name=name, variable=None, value=None, is_used=True) for name in missing]
    rows.sort(key=lambda row: (row.variable is not None, row.is_global, row.name))
    return Variables(rows=rows, is_known=module is not None)


def _module(workflow: Workflow) -> GeneratedModule | None:
    """Return the module of the draft; None if it cannot be generated."""
    try:
        return generated_module(workflow)
    except (InvalidIR, UnreadableSecret):
        return None


def _value(variable: EnvironmentVariable) -> str | None:
    if variable.is_secret:
        return None
    try:
        return variable.value
    except UnreadableSecret:
        return None
