"""Renames and duplicates workflows, and brings archived ones back.

`deployments.services.archive` archives and deletes them, because it knows what is live.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries
from workflows.editing.new_documents import typed_name
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import ARCHIVED, DeclaredBinding, EnvironmentVariable, Workflow
from workflows.services import check_draft, save_checked

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NOT_COPIED: Final = ("routes", "customDomains")
"""The deploy settings that only one Worker can have."""


def suggested_name(workflow: Workflow) -> str:
    """Return a name for a copy that no workflow has."""
    names = set(Workflow.objects.values_list("name", flat=True))
    number, name = 1, typed_name(f"Copy of {workflow.name}")
    while name in names:
        number += 1
        name = typed_name(f"Copy {number} of {workflow.name}")
    return name


def duplicate(workflow: Workflow, *, name: str, copy_variables: bool, by: User) -> Workflow:
    """Create a workflow from the draft; its versions, deployments and runs are not copied.

    Secrets are copied without anyone seeing them. Raises InvalidIR or InvalidSettings for a draft that
    cannot be saved, and UnreadableSecret for a secret whose key is lost.
    """
    settings = workflow.deploy_settings.items()
    copy = Workflow(
        name=name,
        description=workflow.description,
        ir=_renamed(workflow.ir, name),
        files=workflow.files,
        entry_code=workflow.entry_code,
        dependencies=workflow.dependencies,
        deploy_settings={key: value for key, value in settings if key not in NOT_COPIED},
        tests=workflow.tests,
    )
    draft = check_draft(copy)
    actor = Actor.of(by)
    with transaction.atomic():
        copy.save()
        for kind in workflow.declared_bindings.all():
            DeclaredBinding.objects.create(workflow=copy, name=kind.name, kind=kind.kind)
        version = save_checked(draft, by=by)
        source = {"from_workflow": workflow.pk, "from_name": workflow.name}
        audit_entries.record_version("workflow duplicated", version, by=actor, **source)
        if copy_variables:
            _copy_variables(workflow, copy, by=actor)
    return copy


def _renamed(document: Any, name: str) -> Any:
    """Return the document with another name; one that is not valid stays as it is, and is refused."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    if not isinstance(metadata, dict):
        return document
    return {**document, "metadata": {**metadata, "name": name}}


def _copy_variables(workflow: Workflow, copy: Workflow, *, by: Actor) -> None:
    for variable in workflow.variables.all():
        created = EnvironmentVariable.objects.create(
            workflow=copy,
            name=variable.name,
            value=variable.value,
            is_secret=variable.is_secret,
        )
        audit_entries.record_variable(audit_entries.VARIABLE_SET, created, by=by)


@transaction.atomic
def describe(workflow: Workflow, *, before: str, changed: Collection[str], by: Actor) -> None:
    """Save the name and the description, which do not belong to a version; the draft may have problems.

    `changed` are the names of the fields that differ, `before` is the name until now.
    """
    workflow.save(update_fields=["name", "description", "updated_at"])
    if "name" in changed:
        audit_entries.record_workflow("workflow renamed", workflow, by=by, before=before)
    elif changed:
        audit_entries.record_workflow("description changed", workflow, by=by)


def update(
    workflow: Workflow, *, name: str | None = None, description: str | None = None, by: Actor
) -> None:
    """Change the name or the description. Raises InvalidIR."""
    if workflow.is_archived:
        raise InvalidIR([Problem(path="", message=ARCHIVED)])
    before = {"name": workflow.name, "description": workflow.description}
    if name is not None:
        workflow.name = typed_name(name)
        if problem := name_problem(workflow.name):
            raise InvalidIR([Problem(path="name", message=problem)])
    if description is not None:
        workflow.description = description
    changed = [field for field, value in before.items() if getattr(workflow, field) != value]
    if changed:
        describe(workflow, before=before["name"], changed=changed, by=by)


@transaction.atomic
def unarchive(workflow: Workflow, *, by: Actor) -> None:
    """Allow changes and deployments again; nothing happens if the workflow is not archived."""
    archived = Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=False)
    if archived.update(archived_at=None, archived_by=""):
        audit_entries.record_workflow("workflow unarchived", workflow, by=by)
    workflow.refresh_from_db(fields=["archived_at", "archived_by"])
