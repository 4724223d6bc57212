"""What the code of a workflow's draft needs in `env`, where it comes from, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from audit.encrypted_fields import UnreadableSecret
from audit.models import Entry
from deployments.resources.services import KINDS
from targets.cloudflare.resource_ids import IDENTIFIERS
from workflows.audit_entries import last_set
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import module_settings
from workflows.draft_code import module_with, variable_uses
from workflows.ir.reading.bindings import BINDING_ID, BindingKind
from workflows.ir.reading.problems import InvalidIR
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import decrypted, stored_variables


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
class BindingRow:
    """A binding by name, and the variable that names its resource; `value` is None if that is not set."""

    name: str
    kind: BindingKind
    value: str | None
    is_declared: bool
    is_used: bool

    @property
    def variable(self) -> str:
        return self.name + BINDING_ID

    @property
    def needs_resource(self) -> bool:
        """Whether the binding refers to a resource; Workers AI and browsers belong to the account."""
        return self.kind in IDENTIFIERS

    @property
    def can_be_chosen(self) -> bool:
        """Whether the resources of a target can be listed."""
        return self.kind in KINDS

    @property
    def resource(self) -> str:
        """What the variable holds, such as "the id of the D1 database"."""
        return IDENTIFIERS[self.kind].words if self.needs_resource else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The rows of the page; `is_known` is False if no code could be generated."""

    rows: list[Row]
    bindings: list[BindingRow]
    is_known: bool

    @property
    def missing(self) -> list[Row]:
        return [row for row in self.rows if row.variable is None]


def environment_of(workflow: Workflow) -> Environment:
    """Return the bindings, the workflow's own variables, and the global and missing ones that its code uses."""
    stored = stored_variables(workflow)
    module = _module(workflow, stored)
    bindings = _bindings(workflow, module, stored)
    used = {use.name for use in variable_uses(module)} if module else set()
    of_bindings = {binding.variable for binding in bindings}
    shown = {
        name: variable
        for name, variable in stored.items()
        if name not in of_bindings
        and (variable.workflow_id or name in used or name.endswith(BINDING_ID))
    }
    missing = used.difference(stored, (each.name for each in bindings if each.is_declared))
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
    return Environment(rows=rows, bindings=bindings, is_known=module is not None)


def _bindings(
    workflow: Workflow,
    module: GeneratedModule | None,
    stored: Mapping[str, EnvironmentVariable],
) -> list[BindingRow]:
    """Return the declared bindings, and those that the code uses."""
    declared = {name: BindingKind(kind) for name, kind in workflow.bindings.items()}
    uses = module.env_uses if module else ()
    used = {use.name: use.kind for use in uses if isinstance(use.kind, BindingKind)}
    return [
        BindingRow(
            name=name,
            kind=kind,
            value=_value(stored[name + BINDING_ID]) if name + BINDING_ID in stored else None,
            is_declared=name in declared,
            is_used=name in used,
        )
        for name, kind in sorted((declared | used).items())
    ]


def _module(
    workflow: Workflow, stored: Mapping[str, EnvironmentVariable]
) -> GeneratedModule | None:
    """Return the module of the draft; None if it cannot be generated."""
    try:
        settings = module_settings(workflow, decrypted(stored.values()))
        return module_with(workflow, settings)
    except (InvalidIR, UnreadableSecret):
        return None


def _value(variable: EnvironmentVariable) -> str | None:
    if variable.is_secret:
        return None
    try:
        return variable.value
    except UnreadableSecret:
        return None
