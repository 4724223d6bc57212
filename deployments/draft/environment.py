"""What the code of a workflow's draft needs in `env`, where it comes from, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

from audit.encrypted_fields import UnreadableSecret
from deployments.draft.environment_rows import BindingRow, Environment, Row, shown_value
from deployments.draft.project_environment import environment_of_project
from workflows.audit_entries import last_set
from workflows.codegen.module.generate import GeneratedModule
from workflows.codegen.module.module_settings import module_settings
from workflows.draft_code import module_with, variable_uses
from workflows.ir.reading.bindings import BINDING_ID, BindingKind
from workflows.ir.reading.problems import InvalidIR
from workflows.models import EnvironmentVariable, Workflow
from workflows.services import decrypted, stored_variables


def environment_of(workflow: Workflow) -> Environment:
    """Return the bindings, the workflow's own variables, and the global and missing ones that its code uses."""
    if workflow.is_project:
        return environment_of_project(workflow)
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
            value=shown_value(variable),
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
            value=shown_value(stored[name + BINDING_ID]) if name + BINDING_ID in stored else None,
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
