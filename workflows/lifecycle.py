"""Duplicates workflows, and brings archived ones back.

`deployments.services.archive` archives them, because it knows what is live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.db import transaction

from audit.trail import Actor
from workflows import audit_entries
from workflows.editing.new_documents import typed_name
from workflows.models import DeclaredBinding, EnvironmentVariable, Workflow
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
def unarchive(workflow: Workflow, *, by: Actor) -> None:
    """Allow changes and deployments again; nothing happens if the workflow is not archived."""
    archived = Workflow.objects.filter(pk=workflow.pk, archived_at__isnull=False)
    if archived.update(archived_at=None, archived_by=""):
        audit_entries.record_workflow("workflow unarchived", workflow, by=by)
    workflow.refresh_from_db(fields=["archived_at", "archived_by"])
