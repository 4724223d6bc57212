from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse

from audit.encrypted_fields import EncryptedTextField
from workflows.ir.deploy.deploy_settings import DeploySettings, read_settings
from workflows.ir.document.kinds import kind_of
from workflows.ir.reading.bindings import BINDING_ID, OWN_WORKFLOW, VARIABLE_NAME, BindingKind

_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no characters that are read as one another


def new_workflow_id() -> str:
    """Return 10 characters that fit a URL, a host name and the name of a Worker."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(10))


class Workflow(models.Model):
    """What a person edits. Its document, entry code and dependencies are the draft."""

    id = models.CharField(primary_key=True, max_length=20, default=new_workflow_id, editable=False)
    name = models.CharField(max_length=256)
    description = models.TextField(blank=True)
    ir = models.JSONField("document (IR)")
    entry_code = models.TextField(
        blank=True,
        help_text="A TypeScript module with fetch, queue or scheduled functions. "
        "Empty: the default of the document's trigger.",
    )
    dependencies = models.JSONField(
        default=dict, blank=True, help_text='npm packages and versions: {"zod": "4.1.0"}'
    )
    deploy_settings = models.JSONField(
        default=dict, blank=True, help_text="Routes, domains, schedules and limits of its Worker."
    )
    class_name = models.CharField(max_length=128, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("admin:workflows_workflow_change", args=[self.pk])

    @property
    def newest_version(self) -> WorkflowVersion:
        return self.versions.latest("number")

    @property
    def bindings(self) -> dict[str, str]:
        """The kinds of the declared bindings, by their names."""
        return {binding.name: binding.kind for binding in self.declared_bindings.all()}

    @property
    def settings(self) -> DeploySettings:
        """The deploy settings; raises InvalidSettings for what no form has let through."""
        return read_settings(self.deploy_settings)

    @property
    def kind(self) -> str:
        return kind_of(self.ir)


class WorkflowVersion(models.Model):
    """An immutable snapshot of all that decides a workflow's code."""

    workflow = models.ForeignKey(Workflow, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    ir = models.JSONField("document (IR)")
    entry_code = models.TextField(blank=True)
    dependencies = models.JSONField(default=dict, blank=True)
    bindings = models.JSONField("declared bindings", default=dict, blank=True)
    deploy_settings = models.JSONField(default=dict, blank=True)
    locked = models.BooleanField(default=False, help_text="A locked version cannot be deleted.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["workflow", "number"], name="version_number_is_unique")
        ]

    def __str__(self) -> str:
        return f"{self.workflow} v{self.number}"

    def holds(self, content: dict[str, Any]) -> bool:
        """Tell whether all that decides the version's code is this."""
        return all(getattr(self, field) == value for field, value in content.items())


def validate_not_own_workflow(name: str) -> None:
    """A variable of this name would replace the Worker's own Workflow, and no run could start."""
    if name == OWN_WORKFLOW:
        raise ValidationError(f"{OWN_WORKFLOW} is the Worker's own Workflow: take another name.")


def validate_not_binding_id(name: str) -> None:
    """The name of a variable that names a resource is never part of the Worker's env."""
    if name.endswith(BINDING_ID):
        raise ValidationError(f"{name} is the name of a variable: declare the binding without it.")


_ENV_NAME = RegexValidator(
    rf"\A{VARIABLE_NAME.pattern}\Z",
    "Use capital letters, digits and _, and begin with a letter: API_KEY.",
)


class DeclaredBinding(models.Model):
    """A name of a workflow's `env` and the kind of resource that it stands for."""

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
                violation_error_message="This workflow declares a binding of this name already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        own = EnvironmentVariable.objects.filter(workflow=self.workflow_id, name=self.name)
        if self.workflow_id and own.exists():
            message = f"{self.name} is a variable of this workflow: delete it first."
            raise ValidationError({"name": message})


class EnvironmentVariable(models.Model):
    """A name and a value for the Worker's `env`: of one workflow, or global without one."""

    workflow = models.ForeignKey(
        Workflow,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="variables",
        help_text="Empty: global. A workflow's own variable wins over the global one of its name.",
    )
    name = models.CharField(
        max_length=128,
        validators=[_ENV_NAME, validate_not_own_workflow],
    )
    value = EncryptedTextField(blank=True)
    is_secret = models.BooleanField(
        "secret", default=False, help_text="A secret is never shown again once it is saved."
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["workflow", "name"],
                name="variable_is_unique_in_its_workflow",
                violation_error_message="This workflow has a variable of this name already.",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=Q(workflow=None),
                name="global_variable_is_unique",
                violation_error_message="There is a global variable of this name already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        declared = DeclaredBinding.objects.filter(workflow=self.workflow_id, name=self.name)
        if self.workflow_id and declared.exists():
            raise ValidationError(
                f"{self.name} is a declared binding of this workflow: remove that first."
            )


class NodeType(models.Model):
    """A node type that people wrote, in one version, which never changes: documents pin it."""

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
            raise TypeError(f"{self} never changes: give it a new version.")
        super().save(*args, **kwargs)

    def holds(self, definition: object, template: str) -> bool:
        """Tell whether this is what was loaded."""
        return bool(self.definition == definition and self.template == template)
