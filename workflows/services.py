"""What can be done with workflows: one function per action, for admin, pages, API and commands.

An action with `by` is put on the audit trail; without, it is a part of one that is put there itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from audit.encrypted_fields import UnreadableSecret
from audit.trail import Actor
from workflows import audit_entries
from workflows.codegen.module.module_settings import module_settings
from workflows.compilation.from_document import generate_from_document
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.ir.reading.bindings import BINDING_ID
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.identifiers import class_name_for
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import DeclaredBinding, EnvironmentVariable, Workflow, WorkflowVersion
from workflows.node_types.registered import types_for
from workflows.nodes.documents import parse_valid

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable as a deploy sees it; `origin` is "workflow" or "global"."""

    name: str
    value: str
    is_secret: bool
    origin: str


@transaction.atomic
def save_draft(workflow: Workflow, *, by: User | None = None) -> WorkflowVersion:
    """Save the draft and return its version: a new one where anything that decides code changed.

    Raises InvalidIR with every problem of the document, or InvalidSettings; then nothing is changed.
    """
    ir = parse_valid(workflow.ir, types_for(workflow.ir))
    wrong = list(check_dependencies(workflow.dependencies))
    if wrong:
        raise InvalidIR(wrong)
    read_settings(workflow.deploy_settings)
    if not workflow.class_name:
        workflow.class_name = class_name_for(ir.metadata.name)
    workflow.name = workflow.name or ir.metadata.name
    workflow.save()
    return _freeze(workflow, by=by)


def _freeze(workflow: Workflow, *, by: User | None) -> WorkflowVersion:
    content: dict[str, Any] = {
        "ir": workflow.ir,
        "entry_code": workflow.entry_code,
        "dependencies": workflow.dependencies,
        "bindings": workflow.bindings,
        "deploy_settings": workflow.deploy_settings,
    }
    newest = workflow.versions.order_by("-number").first()
    if newest and newest.holds(content):
        return newest
    number = newest.number + 1 if newest else 1
    return WorkflowVersion.objects.create(
        workflow=workflow, number=number, created_by=by, **content
    )


def draft_problems(workflow: Workflow) -> list[Problem]:
    """Return what would keep the draft's code from being generated, and the warnings."""
    try:
        settings = module_settings(workflow, effective_variables(workflow))
        return list(generate_from_document(workflow.ir, settings, types_for(workflow.ir)).problems)
    except UnreadableSecret as unreadable:
        return [Problem(path="env", message=str(unreadable))]
    except InvalidIR as invalid:
        return list(invalid.problems)


class WorkflowNotFound(Exception):
    """There is no workflow of this id; the message says so."""


def get_workflow(workflow_id: str) -> Workflow:
    """Return the workflow; raises WorkflowNotFound."""
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    if workflow is None:
        raise WorkflowNotFound(f"There is no workflow {workflow_id!r}.")
    return workflow


@transaction.atomic
def import_document(
    document: Any, *, into: Workflow | None = None, by: Actor | None = None
) -> Workflow:
    """Make a workflow of the document, or give an existing one a new draft; raises InvalidIR."""
    workflow = into or Workflow()
    workflow.ir = document
    workflow.name = ""  # saving takes that of the document
    version = save_draft(workflow, by=by.user if by else None)
    if by:
        audit_entries.record_version("workflow imported", version, by=by)
    return workflow


@transaction.atomic
def declare_binding(
    workflow: Workflow, name: str, kind: str, *, by: Actor | None = None
) -> WorkflowVersion:
    """Say what a name of the workflow's env is; raises ValidationError for an impossible one."""
    declared = workflow.declared_bindings.filter(name=name).first()
    declared = declared or DeclaredBinding(workflow=workflow, name=name)
    declared.kind = kind
    declared.full_clean()
    declared.save()
    version = save_draft(workflow)
    if by:
        audit_entries.record_version("binding declared", version, by=by, binding=name, kind=kind)
    return version


@transaction.atomic
def remove_binding(workflow: Workflow, name: str, *, by: Actor | None = None) -> WorkflowVersion:
    """Take a declaration back; raises ValidationError where there is none."""
    if not workflow.declared_bindings.filter(name=name).delete()[0]:
        raise ValidationError(f"{workflow.name} declares no binding {name}.")
    version = save_draft(workflow)
    if by:
        audit_entries.record_version("binding no longer declared", version, by=by, binding=name)
    return version


@transaction.atomic
def set_variable(
    name: str,
    value: str,
    *,
    workflow: Workflow | None = None,
    is_secret: bool = False,
    by: Actor | None = None,
) -> EnvironmentVariable:
    """Set a workflow's variable, or the global one; raises ValidationError for an impossible name.

    A variable that is secret stays so until it is deleted: no later call can bring it to light.
    """
    variable = EnvironmentVariable.objects.filter(name=name, workflow=workflow).first()
    variable = variable or EnvironmentVariable(name=name, workflow=workflow)
    if not _is_text(value):
        raise ValidationError(f"The value of {name} is not UTF-8 text.")
    variable.value = value
    variable.is_secret = variable.is_secret or is_secret
    if variable.is_secret and not value:
        raise ValidationError(f"The secret {name} needs a value.")
    if is_secret and name.endswith(BINDING_ID):
        raise ValidationError(f"{name} names a resource; it is not a secret.")
    variable.full_clean()
    variable.save()
    if by:
        audit_entries.record_variable("variable set", variable, by=by)
    return variable


def _is_text(value: str) -> bool:
    """Tell whether the text can be stored: an argument that is not UTF-8 arrives in surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def effective_variables(workflow: Workflow | None) -> dict[str, Variable]:
    """Return all variables that a deploy of the workflow may use, its own over the global ones.

    Raises UnreadableSecret, which names every one whose value cannot be decrypted.
    """
    globals_ = EnvironmentVariable.objects.filter(workflow=None)
    own = workflow.variables.all() if workflow else EnvironmentVariable.objects.none()
    found: dict[str, Variable] = {}
    unreadable: list[str] = []
    for variable in {one.name: one for one in (*globals_, *own)}.values():
        try:
            found[variable.name] = _as_deployed(variable)
        except UnreadableSecret as error:
            unreadable += error.what
    if unreadable:
        raise UnreadableSecret(*unreadable)
    return found


def _as_deployed(variable: EnvironmentVariable) -> Variable:
    return Variable(
        name=variable.name,
        value=variable.value,
        is_secret=variable.is_secret,
        origin="workflow" if variable.workflow_id else "global",
    )
