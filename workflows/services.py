"""Actions on workflows, for the admin, pages, the API and commands: one function each.

With `by`, an action is recorded in the audit trail. Without it, the caller records a larger action.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from audit.encrypted_fields import UnreadableSecret
from audit.trail import SYSTEM, Actor
from web.transaction_locks import lock_until_commit
from workflows import audit_entries, drafts
from workflows.documents.projects.packages import read_packages
from workflows.documents.saved_tests.reading import read_tests
from workflows.editing.new_documents import empty_document, typed_name
from workflows.ir.deploy.deploy_settings import read_settings
from workflows.ir.document.kinds import SCRIPT, WORKFLOW
from workflows.ir.reading.bindings import BINDING_ID
from workflows.ir.reading.dependencies import check_dependencies
from workflows.ir.reading.identifiers import class_name_for
from workflows.ir.reading.names import name_problem
from workflows.ir.reading.problems import InvalidIR, Problem
from workflows.models import (
    ARCHIVED,
    DeclaredBinding,
    EnvironmentVariable,
    Workflow,
    WorkflowVersion,
    check_not_archived,
)
from workflows.node_types.registered import types_for
from workflows.nodes.documents import parse_valid
from workflows.project_problems import project_problems

if TYPE_CHECKING:
    from django.contrib.auth.models import User


_BESIDE_DOCUMENT: Final = (
    "description",
    "entry_code",
    "dependencies",
    "deploy_settings",
    "tests",
    "class_name",
)
_DECLARED_IN_FILES: Final = (
    "The bindings of a project are in its configuration file: declare it there."
)
HAS_FILES: Final = (
    "This workflow is a project, which has files instead of a document. Import the document as a new "
    "workflow, or the files with import_project."
)
_DRAFT: Final = ("ir", "entry_code", "files", "draft_revision")
"""The fields of a workflow that the editor's operations change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A decrypted variable; `origin` is "workflow" or "global"."""

    name: str
    value: str
    is_secret: bool
    origin: str


def save_draft(workflow: Workflow, *, by: User | None = None) -> WorkflowVersion:
    """Save the draft and return its version, a new one if anything that affects code has changed.

    Raises InvalidIR with all problems in the document, or InvalidSettings; in either case, nothing
    is saved.
    """
    return _saved_newest(workflow, lambda draft: save_checked(draft, by=by))


def save_version(workflow: Workflow, *, by: User, note: str = "") -> WorkflowVersion:
    """Save the draft as a version and record it in the audit trail. Raises like `save_draft`.

    If nothing has changed since the newest version, that version is returned with its own note.
    """

    def save(draft: CheckedDraft) -> WorkflowVersion:
        version = save_checked(draft, by=by, note=note)
        audit_entries.record_version("workflow saved", version, by=Actor.of(by))
        return version

    return _saved_newest(workflow, save)


def create_workflow(
    name: str, *, description: str = "", kind: str = WORKFLOW, by: User
) -> Workflow:
    """Create a workflow or a script whose only node is an empty step. Raises InvalidIR."""
    name = typed_name(name)
    if problem := name_problem(name):
        raise InvalidIR([Problem(path="name", message=problem)])
    document = empty_document(name, now=timezone.now().isoformat())
    document |= {"kind": kind} if kind == SCRIPT else {}
    workflow = Workflow(name=name, description=description, ir=document)
    draft = check_draft(workflow)
    with transaction.atomic():
        version = save_checked(draft, by=by)
        audit_entries.record_version("workflow created", version, by=Actor.of(by))
    return workflow


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A workflow whose draft is valid, and the name in its document."""

    workflow: Workflow
    document_name: str


def check_draft(workflow: Workflow, more_types: Iterable[Mapping[str, Any]] = ()) -> CheckedDraft:
    """Check the draft, which may take seconds: do it before a transaction. Raises like `save_draft`.

    `more_types` are node types that are saved together with it.
    """
    if workflow.is_project:
        return _check_project(workflow)
    ir = parse_valid(workflow.ir, types_for(workflow.ir, more_types))
    problems = list(check_dependencies(workflow.dependencies))
    if problems:
        raise InvalidIR(problems)
    read_settings(workflow.deploy_settings)
    return CheckedDraft(workflow, ir.metadata.name)


def _check_project(workflow: Workflow) -> CheckedDraft:
    """Check the files, and take from them what is stored beside the files."""
    config, problems = project_problems(workflow.files)
    if any(problem.is_error for problem in problems):
        raise InvalidIR(problems)
    workflow.dependencies = dict(read_packages(workflow.files).dependencies)
    workflow.class_name = next((each.class_name for each in config.workflows), "Project")
    return CheckedDraft(workflow, workflow.ir["metadata"]["name"])


def _saved_newest(
    workflow: Workflow, save: Callable[[CheckedDraft], WorkflowVersion]
) -> WorkflowVersion:
    """Check the draft and save it in a transaction; start over if it was edited in the meantime."""
    while True:
        draft = check_draft(workflow)
        with transaction.atomic():
            workflow.lock()
            if drafts.is_newest(workflow):
                return save(draft)
        workflow.refresh_from_db(fields=_DRAFT)


@transaction.atomic
def save_checked(draft: CheckedDraft, *, by: User | None = None, note: str = "") -> WorkflowVersion:
    """Save a draft that was checked, and return its version like `save_draft`.

    Raises InvalidIR if the workflow is archived.
    """
    workflow = draft.workflow
    if not workflow.class_name:
        workflow.class_name = class_name_for(draft.document_name)
    workflow.name = workflow.name or draft.document_name
    workflow.lock()
    before = Workflow.objects.filter(pk=workflow.pk).only(*_DRAFT, "archived_at").first()
    if before is not None:
        if before.is_archived:
            raise InvalidIR([Problem(path="", message=ARCHIVED)])
        workflow.draft_revision = before.draft_revision
    workflow.save()
    if before is not None:
        author = Actor(by, by.get_username()) if by else SYSTEM
        drafts.record_replacement(workflow, before, by=author)
    return _version_of_draft(workflow, by=by, note=note)


def _version_of_draft(workflow: Workflow, *, by: User | None, note: str) -> WorkflowVersion:
    content = workflow.content
    newest = workflow.versions.order_by("-number").first()
    if newest and newest.has_content(content):
        return newest
    number = newest.number + 1 if newest else 1
    return WorkflowVersion.objects.create(
        workflow=workflow, number=number, created_by=by, note=note, **content
    )


class WorkflowNotFound(Exception):
    """There is no workflow with this id."""


def get_workflow(workflow_id: str) -> Workflow:
    """Return the workflow; raises WorkflowNotFound if there is none."""
    workflow = Workflow.objects.filter(pk=workflow_id).first()
    if workflow is None:
        raise WorkflowNotFound(f"There is no workflow {workflow_id!r}.")
    return workflow


def import_document(
    document: Any,
    *,
    entry_code: str | None = None,
    tests: Any = None,
    settings: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    into: Workflow | None = None,
    by: Actor | None = None,
    note: str = "",
) -> Workflow:
    """Create a workflow from the document, or replace the draft of `into`.

    Without `entry_code` and `tests`, `into` keeps its own; `settings` returns its new deploy settings
    for the current ones. A new version gets the `note`.

    Raises InvalidIR if the document is invalid, InvalidTests if the tests are, and WorkflowNotFound if
    `into` was deleted in the meantime.
    """
    if tests is not None:
        read_tests(tests)
    if into is not None and into.is_project:
        raise InvalidIR([Problem(path="", message=HAS_FILES)])
    workflow = into or Workflow()
    workflow.ir = document
    workflow.name = ""  # saving takes the name from the document
    draft = check_draft(workflow)
    with transaction.atomic():
        if into:
            into.lock()
            _reload_all_but_document(workflow)
        if entry_code is not None:
            workflow.entry_code = entry_code
        if tests is not None:
            workflow.tests = tests
        if settings:
            workflow.deploy_settings = settings(workflow.deploy_settings)
        version = save_checked(draft, by=by.user if by else None, note=note)
        if by:
            audit_entries.record_version("workflow imported", version, by=by)
    return workflow


def _reload_all_but_document(workflow: Workflow) -> None:
    """Keep what others changed since the workflow was loaded; checking a document may take seconds."""
    try:
        workflow.refresh_from_db(fields=_BESIDE_DOCUMENT)
    except Workflow.DoesNotExist:
        raise WorkflowNotFound(f"Workflow {workflow.pk!r} was deleted in the meantime.") from None


def declare_binding(
    workflow: Workflow, name: str, kind: str, *, by: Actor | None = None
) -> WorkflowVersion:
    """Declare the kind of a name in the workflow's env; raises ValidationError if it is invalid."""
    if workflow.is_project:
        raise ValidationError(_DECLARED_IN_FILES)
    binding = workflow.declared_bindings.filter(name=name).first()
    binding = binding or DeclaredBinding(workflow=workflow, name=name)
    binding.kind = kind
    binding.full_clean()

    def save(draft: CheckedDraft) -> WorkflowVersion:
        binding.save()
        version = save_checked(draft)
        if by:
            audit_entries.record_version(
                "binding declared", version, by=by, binding=name, kind=kind
            )
        return version

    return _saved_newest(workflow, save)


def remove_binding(workflow: Workflow, name: str, *, by: Actor | None = None) -> WorkflowVersion:
    """Remove a declared binding; raises ValidationError if there is none with this name."""

    def save(draft: CheckedDraft) -> WorkflowVersion:
        if not workflow.declared_bindings.filter(name=name).delete()[0]:
            raise ValidationError(f"{workflow.name} does not declare a binding {name}.")
        version = save_checked(draft)
        if by:
            audit_entries.record_version("binding no longer declared", version, by=by, binding=name)
        return version

    return _saved_newest(workflow, save)


@transaction.atomic
def set_variable(
    name: str,
    value: str,
    *,
    workflow: Workflow | None = None,
    is_secret: bool = False,
    by: Actor | None = None,
) -> EnvironmentVariable:
    """Set a workflow's variable, or a global one; raises ValidationError if it is invalid.

    A secret variable stays secret until it is deleted, so that no later call can reveal it.
    """
    lock_until_commit("variable", f"{workflow.pk if workflow else ''} {name}")
    variable = EnvironmentVariable.objects.filter(name=name, workflow=workflow).first()
    variable = variable or EnvironmentVariable(name=name, workflow=workflow)
    if not _is_text(value):
        raise ValidationError(f"The value of {name} is not UTF-8 text.")
    if "\0" in value:
        raise ValidationError(f"The value of {name} contains a null character. Remove it.")
    variable.value = value
    variable.is_secret = variable.is_secret or is_secret
    if variable.is_secret and not value:
        raise ValidationError(f"The secret {name} needs a value.")
    if is_secret and name.endswith(BINDING_ID):
        raise ValidationError(f"{name} holds the id of a resource, so it cannot be a secret.")
    variable.full_clean()
    variable.save()
    if by:
        audit_entries.record_variable(audit_entries.VARIABLE_SET, variable, by=by)
    return variable


@transaction.atomic
def set_variables(
    values: Mapping[str, str],
    *,
    workflow: Workflow | None,
    secrets: Collection[str],
    by: Actor,
) -> None:
    """Set several variables, or none: raises ValidationError with everything that is wrong."""
    check_not_archived(workflow.pk if workflow else None)
    errors: list[ValidationError] = []
    for name, value in values.items():
        try:
            set_variable(name, value, workflow=workflow, is_secret=name in secrets, by=by)
        except ValidationError as error:
            errors += [ValidationError(f"{name}: {message}") for message in error.messages]
    if errors:
        raise ValidationError(errors)


@transaction.atomic
def delete_variable(variable: EnvironmentVariable, *, by: Actor) -> None:
    """Delete a variable; Workers keep it until they are deployed again."""
    audit_entries.record_variable("variable deleted", variable, by=by)
    variable.delete()


def _is_text(value: str) -> bool:
    """Return whether the text can be stored; a non-UTF-8 argument contains surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def effective_variables(workflow: Workflow | None) -> dict[str, Variable]:
    """Return the variables for a deploy, by name; the workflow's own override global ones.

    Raises UnreadableSecret, which names every variable that cannot be decrypted.
    """
    return decrypted(stored_variables(workflow).values())


def stored_variables(workflow: Workflow | None) -> dict[str, EnvironmentVariable]:
    """Return the rows of the same variables, by name."""
    globals_ = EnvironmentVariable.objects.filter(workflow=None)
    own = workflow.variables.all() if workflow else EnvironmentVariable.objects.none()
    return {row.name: row for row in (*globals_, *own)}


def decrypted(rows: Iterable[EnvironmentVariable]) -> dict[str, Variable]:
    """Return stored variables by name; raises UnreadableSecret like `effective_variables`."""
    variables: dict[str, Variable] = {}
    unreadable: list[str] = []
    for row in rows:
        try:
            variables[row.name] = _decrypted(row)
        except UnreadableSecret as error:
            unreadable += error.what
    if unreadable:
        raise UnreadableSecret(*unreadable)
    return variables


def _decrypted(variable: EnvironmentVariable) -> Variable:
    return Variable(
        name=variable.name,
        value=variable.value,
        is_secret=variable.is_secret,
        origin="workflow" if variable.workflow_id else "global",
    )
