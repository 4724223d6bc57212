"""The admin's pages for authoring: workflows, their versions, environment variables."""

from __future__ import annotations

import json
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from workflows import services
from workflows.forms import VariableForm, WorkflowForm
from workflows.models import DeclaredBinding, EnvironmentVariable, Workflow, WorkflowVersion

_TOLD = 10  # problems of a draft in one answer


class DeclaredBindingInline(admin.TabularInline[DeclaredBinding, Workflow]):
    """The declared bindings of a workflow: part of its draft, so its rights are theirs."""

    model = DeclaredBinding
    template = "admin/workflows/workflow/bindings.html"
    verbose_name_plural = "declared bindings"
    fields = ["name", "kind"]
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("workflows.view_workflow")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        right = "change_workflow" if obj else "add_workflow"
        return request.user.has_perm(f"workflows.{right}")

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


class WorkflowAdmin(admin.ModelAdmin[Workflow]):
    """Saves through the service, which makes a version; deployments.admin adds what is deployed."""

    form = WorkflowForm
    inlines = [DeclaredBindingInline]
    list_display = ["name", "id", "updated_at"]
    search_fields = ["name", "id", "description"]
    view_on_site = False
    fieldsets = [
        (None, {"fields": ["name", "description", "ir", "opened_at"]}),
        ("Code", {"fields": ["entry_code", "dependencies"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        found = super().get_queryset(request)
        return found if _is_one(request) else found.defer("ir", "entry_code", "dependencies")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """A version holds the declared bindings too: it is made when all of them are saved."""
        super().save_related(request, form, formsets, change)
        obj = form.instance
        services.save_draft(obj, by=cast("User", request.user))
        for problem in services.draft_problems(obj)[:_TOLD]:
            kind = "A deploy would fail" if problem.is_error else "Worth a look"
            messages.warning(request, f"{kind}: {problem}")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Versions go with their workflow although nobody may delete one by itself."""
        found, counts, lacking, protected = super().get_deleted_objects(objs, request)
        lacking = set(lacking) - {WorkflowVersion._meta.verbose_name}
        locked = WorkflowVersion.objects.filter(workflow__in=objs, locked=True)
        return found, counts, lacking, [*protected, *(f"{version} is locked" for version in locked)]


def _is_one(request: HttpRequest) -> bool:
    return bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)


class ReadOnly:
    """Rows that can be read, and neither made, changed nor deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _block(code: str) -> SafeString:
    return format_html('<pre class="code-block">{}</pre>', code)


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(ReadOnly, admin.ModelAdmin[WorkflowVersion]):
    """Versions are made by saving a workflow and never change."""

    list_display = ["version", "workflow_name", "created_by", "created_at"]
    fields = [
        "workflow",
        "number",
        "created_by",
        "created_at",
        "document",
        "code",
        "dependencies",
        "bindings",
    ]
    list_filter = [("workflow", admin.RelatedFieldListFilter)]
    list_select_related = ["workflow", "created_by"]
    search_fields = ["workflow__name", "workflow__id"]
    date_hierarchy = "created_at"
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowVersion]:
        found = super().get_queryset(request)
        large = ("ir", "entry_code", "dependencies")
        found = found.defer(*(f"workflow__{field}" for field in large))
        return found if _is_one(request) else found.defer(*large)

    @admin.display(description="document (IR)")
    def document(self, version: WorkflowVersion) -> SafeString:
        return _block(json.dumps(version.ir, indent=2, ensure_ascii=False))

    @admin.display(description="entry code", empty_value="the default of the trigger")
    def code(self, version: WorkflowVersion) -> SafeString | None:
        return _block(version.entry_code) if version.entry_code else None

    @admin.display(ordering="number")
    def version(self, version: WorkflowVersion) -> str:
        return f"v{version.number}"

    @admin.display(description="workflow", ordering="workflow__name")
    def workflow_name(self, version: WorkflowVersion) -> str:
        return version.workflow.name


@admin.register(EnvironmentVariable)
class EnvironmentVariableAdmin(admin.ModelAdmin[EnvironmentVariable]):
    form = VariableForm
    fields = ["name", "workflow", "new_value", "is_secret"]
    list_display = ["name", "scope", "is_secret", "updated_at"]
    list_filter = ["is_secret", ("workflow", admin.RelatedFieldListFilter)]
    list_select_related = ["workflow"]
    search_fields = ["name", "workflow__name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentVariable]:
        """Values are not read for a list, and a value that cannot be decrypted is no obstacle."""
        large = (f"workflow__{field}" for field in ("ir", "entry_code", "dependencies"))
        return super().get_queryset(request).defer("value", *large)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        whose = f"{obj.workflow} is" if obj.workflow else "the workflows that use it are"
        messages.info(request, f"Workers get the new value when {whose} deployed again.")

    @admin.display(description="of", ordering="workflow__name")
    def scope(self, variable: EnvironmentVariable) -> str:
        return variable.workflow.name if variable.workflow else "all workflows"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Another name or another workflow is another variable."""
        return ["name", "workflow"] if obj else []
