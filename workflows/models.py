"""Workflows and their versions, bindings, environment variables and node types."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from audit.encrypted_fields import EncryptedTextField, UnreadableSecret, decrypt
from workflows.documents.comparison.hidden import has_same_effect
from workflows.editing.document.changes import is_equal
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.ir.document.kinds import PROJECT, kind_of
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME, BindingKind

ARCHIVED: Final = "This workflow is archived. Unarchive it before you change or deploy it."
_CONTENT: Final = (
    "ir",
    "files",
    "entry_code",
    "dependencies",
    "bindings",
    "deploy_settings",
    "tests",
)
_SAME: Final = {"ir": has_same_effect}
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # without characters that are easily confused


def new_workflow_id() -> str:
    """Return 10 characters that are valid in a URL, a host name and the name of a Worker."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(10))


class _HasContent:
    """A draft or a version."""

    ir: Any

    @property
    def kind(self) -> str:
        return kind_of(self.ir)

    @property
    def is_project(self) -> bool:
        return self.kind == PROJECT

    @property
    def content(self) -> dict[str, Any]:
        """What determines the code, and its tests, by field; drafts and versions have the same fields."""
        return {name: getattr(self, name) for name in _CONTENT}


class Workflow(_HasContent, models.Model):
    """A workflow. Its document, entry code, dependencies, deploy settings and tests are the draft.

    A project has `files` instead: text by path, or {"base64": ...} for what is not text. An archived workflow is live nowhere, and can be neither changed nor deployed.
    """

    id = models.CharField(primary_key=True, max_length=20, default=new_workflow_id, editable=False)
    name = models.CharField(max_length=256)
    description = models.TextField(blank=True)
    ir = models.JSONField("document (IR)")
    files = models.JSONField(default=dict, blank=True, editable=False)
    entry_code = models.TextField(
        blank=True,
        help_text="A TypeScript module with fetch, queue or scheduled functions. "
        "If empty, the default of the document's trigger is used.",
    )
    dependencies = models.JSONField(
        default=dict,
        blank=True,
        help_text='npm packages and their versions, for example {"zod": "4.1.0"}',
    )
    deploy_settings = models.JSONField(
        default=dict, blank=True, help_text="Routes, domains, schedules and limits of the Worker."
    )
    tests = models.JSONField(default=list, blank=True, editable=False)
    class_name = models.CharField(max_length=128, editable=False)
    draft_revision = models.PositiveIntegerField(default=0, editable=False)
    archived_at = models.DateTimeField(null=True, editable=False, db_index=True)
    archived_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]
        indexes = [models.Index(fields=["name", "id"], name="workflows_by_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:workflows_workflow_change", args=[self.pk])

    def lock(self) -> None:
        """Keep other transactions from changing the stored workflow until this one ends."""
        stored = Workflow.objects.select_for_update(no_key=True).filter(pk=self.pk)
        list(stored.values_list("pk"))

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def newest_version(self) -> WorkflowVersion:
        return self.versions.latest("number")

    @property
    def bindings(self) -> dict[str, str]:
        """The kinds of the declared bindings, by name."""
        return {binding.name: binding.kind for binding in self.declared_bindings.all()}

    @property
    def settings(self) -> DeploySettings:
        """The deploy settings; raises InvalidSettings if something other than the form stored invalid ones."""
        return read_settings(self.deploy_settings)


class DraftChange(models.Model):
    """One change to a draft: an operation of the editor, or the undo or redo of an operation.

    `revision` is the draft's revision after the change. The editing package defines `changes` and
    `touched`; `selected` is the node to show. `reverses` is the revision that an undo or a redo
    is about. An operation that is undone can be redone until its author does something else. `size`
    is the size of `changes` in characters; the oldest rows are deleted when a draft has too many.
    `request_id` comes from the page, and identifies a request that is sent again.
    """

    class Kind(models.TextChoices):
        """What changed the draft."""

        OPERATION = "operation"
        UNDO = "undo"
        REDO = "redo"
        REPLACED = "replaced"

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="draft_changes")
    revision = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    summary = models.CharField(max_length=600)
    changes = models.JSONField()
    touched = models.JSONField()
    size = models.PositiveIntegerField(default=0)
    renamed = models.JSONField(default=dict)
    selected = models.CharField(max_length=256, blank=True)
    reverses = models.PositiveIntegerField(null=True)
    is_undone = models.BooleanField(default=False)
    can_redo = models.BooleanField(default=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    by_name = models.CharField(max_length=150)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-revision"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "revision"], name="draft_revision_is_unique"
            )
        ]

    def __str__(self) -> str:
        return self.summary


MAX_NOTE_LENGTH: Final = 1_000


class WorkflowVersion(_HasContent, models.Model):
    """An immutable snapshot of everything that determines a workflow's code, and of its tests.

    The note and the lock are not part of the snapshot, and can be changed.
    """

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    ir = models.JSONField("document (IR)")
    files = models.JSONField(default=dict, blank=True)
    entry_code = models.TextField(blank=True)
    dependencies = models.JSONField(default=dict, blank=True)
    bindings = models.JSONField("declared bindings", default=dict, blank=True)
    deploy_settings = models.JSONField(default=dict, blank=True)
    tests = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True, max_length=MAX_NOTE_LENGTH)
    locked = models.BooleanField(default=False, help_text="A locked version cannot be deleted.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["-created_at"], name="versions_by_date"),
            models.Index(fields=["workflow", "created_at"], name="versions_of_workflow_by_date"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="version_number_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"

    def has_content(self, content: dict[str, Any]) -> bool:
        """Return whether the fields of the version have these values, except for what has no effect.

        The packages of a project are read from its files when it is saved.
        """
        return all(
            _SAME.get(field, is_equal)(getattr(self, field), value)
            for field, value in content.items()
            if field != "dependencies" or not self.is_project
        )


def validate_not_own_workflow(name: str) -> None:
    """Reject the name of the Worker's own Workflow, which a variable would replace."""
    if name == OWN_WORKFLOW:
        raise ValidationError(f"{OWN_WORKFLOW} is the Worker's own Workflow. Choose another name.")


def validate_not_binding_id(name: str) -> None:
    """Reject the name of a variable that names a resource."""
    if name.endswith(BINDING_ID):
        raise ValidationError(
            f"{name} is the name of a variable. Declare the binding without {BINDING_ID}."
        )


_ENV_NAME = RegexValidator(
    rf"\A{VARIABLE_NAME.pattern}\Z",
    "Use capital letters, digits and _, starting with a letter, for example API_KEY.",
)


class DeclaredBinding(models.Model):
    """A name in a workflow's `env` and the kind of its resource."""

    workflow = models.ForeignKey(
        Workflow, on_delete=models.CASCADE, related_name="declared_bindings"
    )
    name = models.CharField(
        max_length=128, validators=[_ENV_NAME, validate_not_own_workflow, validate_not_binding_id]
    )
    kind = models.CharField(
        max_length=20, choices=[(kind.value, kind.label) for kind in BindingKind]
    )

    class Meta:
        ordering = ["name"]
        verbose_name = "binding"
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "name"],
                name="binding_is_declared_once",
                violation_error_message="This workflow already declares a binding with this name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        own = EnvironmentVariable.objects.filter(workflow=self.workflow_id, name=self.name)
        if self.workflow_id and own.exists():
            message = f"{self.name} is a variable of this workflow. Delete the variable first."
            raise ValidationError({"name": message})


def check_not_archived(workflow_id: str | None) -> None:
    """Reject the variables of an archived workflow."""
    if Workflow.objects.filter(pk=workflow_id, archived_at__isnull=False).exists():
        raise ValidationError(ARCHIVED)


class EnvironmentVariable(models.Model):
    """A name and value in a Worker's `env`.

    It belongs to one workflow, or is global if `workflow` is null.
    """

    workflow = models.ForeignKey(
        Workflow,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="variables",
        help_text="If empty, the variable is global. A workflow's own variable overrides a global one.",
    )
    name = models.CharField(
        max_length=128,
        validators=[_ENV_NAME, validate_not_own_workflow],
    )
    value = EncryptedTextField(blank=True)
    is_secret = models.BooleanField(
        "secret", default=False, help_text="A secret is never shown again after it has been saved."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "name"],
                name="variable_is_unique_in_its_workflow",
                violation_error_message="This workflow already has a variable with this name.",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(workflow=None),
                name="global_variable_is_unique",
                violation_error_message="There is already a global variable with this name.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the variable; the value of a secret is masked from then on, even when it changes."""
        super().save(*args, **kwargs)
        if self.is_secret and "value" not in self.get_deferred_fields():
            with suppress(UnreadableSecret):  # it was not changed
                MaskedValue.objects.remember(self.workflow_id, [self.value])

    def clean(self) -> None:
        check_not_archived(self.workflow_id)
        declared = DeclaredBinding.objects.filter(workflow=self.workflow_id, name=self.name)
        if self.workflow_id and declared.exists():
            raise ValidationError(
                f"{self.name} is a declared binding of this workflow. Remove the binding first."
            )


@lru_cache(maxsize=10_000)
def _decrypted(stored: str) -> str | None:
    """Return the plain text; None if its key is lost, so that it can no longer be masked."""
    try:
        return decrypt(stored)
    except UnreadableSecret:
        return None


class MaskedValues(models.Manager["MaskedValue"]):
    """All values that secrets have or had."""

    def remember(self, workflow_id: str | None, values: Iterable[str]) -> None:
        """Keep the values of a workflow's secrets, or of global secrets, so that they stay masked."""
        public_id = workflow_id or ""
        known = {value for _, value in self.readable(workflow_public_id=public_id)}
        new = (value for value in dict.fromkeys(values) if value and value not in known)
        self.bulk_create(MaskedValue(workflow_public_id=public_id, value=value) for value in new)

    def readable(self, **filters: str | int) -> Iterator[tuple[str, str]]:
        """Yield the workflow's id and the plain value of each row whose key is known."""
        for public_id, stored in self.filter(**filters).values_list("workflow_public_id", "value"):
            value = _decrypted(stored)
            if value is not None:
                yield public_id, value


class MaskedValue(models.Model):
    """A value that a secret has or had. It is masked in runs and logs as long as the row exists.

    A Worker keeps the old value of a variable until the next deploy, and its past runs for longer;
    so the row remains when the variable or the workflow is deleted. `workflow_public_id` is "" for
    the values of global variables.
    """

    can_be_entered_again = False

    workflow_public_id = models.CharField(max_length=20, blank=True, db_index=True)
    value = EncryptedTextField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MaskedValues()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"former secret {self.pk}"


class NodeType(models.Model):
    """One version of a custom node type. It never changes, because documents pin it."""

    type_id = models.CharField("id", max_length=64)
    version = models.CharField(max_length=60)
    name = models.CharField(max_length=100)
    definition = models.JSONField("node.json")
    template = models.TextField("template (TypeScript)")
    loaded_at = models.DateTimeField(auto_now_add=True)
    loaded_by = models.CharField("by", max_length=150, blank=True)

    class Meta:
        ordering = ["type_id", "-pk"]
        verbose_name = "node type"
        constraints = [
            models.UniqueConstraint(
                fields=["type_id", "version"], name="node_type_is_loaded_once_a_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.type_id} {self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{self} cannot be changed. Load a new version instead.")
        super().save(*args, **kwargs)

    def has_content(self, definition: object, template: str) -> bool:
        """Return whether the definition and the template are the loaded ones."""
        return bool(self.definition == definition and self.template == template)
