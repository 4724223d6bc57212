"""The admin pages of environment variables."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect

from audit.trail import Actor
from web.forms.edit_conflicts import EditConflictAdmin
from workflows import audit_entries, services
from workflows.forms import VariableForm
from workflows.models import EnvironmentVariable
from workflows.picker.admin_filter import WorkflowFilter


@admin.register(EnvironmentVariable)
class EnvironmentVariableAdmin(EditConflictAdmin, admin.ModelAdmin[EnvironmentVariable]):
    """Variables and secrets, of one workflow or of all workflows."""

    form = VariableForm
    empty_list_text = (
        "Variables and secrets that the code of workflows reads, such as API keys, are listed here."
    )
    list_display = ["name", "set_for", "is_secret", "updated_at"]
    list_filter = [WorkflowFilter, "is_secret"]
    list_select_related = ["workflow"]
    search_fields = ["name", "workflow__name"]
    empty_value_display = "all workflows"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentVariable]:
        """Leave out the values, so that a list works even if one cannot be decrypted."""
        large = (f"workflow__{field}" for field in ("ir", "files", "entry_code", "dependencies"))
        return super().get_queryset(request).defer("value", *large)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        audit_entries.record_variable(audit_entries.VARIABLE_SET, obj, by=Actor.of(request.user))
        users = f"{obj.workflow} is" if obj.workflow else "the workflows that use it are"
        messages.info(request, f"Workers get the new value when {users} deployed again.")

    def response_post_save_add(
        self, request: HttpRequest, obj: EnvironmentVariable
    ) -> HttpResponseRedirect:
        """Return to the node in the editor whose problem opened the form."""
        node = request.GET.get("node")
        if node is None or obj.workflow is None:
            return super().response_post_save_add(request, obj)
        return redirect(f"{obj.workflow.get_absolute_url()}?{urlencode({'node': node})}")

    def delete_model(self, request: HttpRequest, obj: EnvironmentVariable) -> None:
        services.delete_variable(obj, by=Actor.of(request.user))

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[EnvironmentVariable]
    ) -> None:
        for variable in queryset:
            services.delete_variable(variable, by=Actor.of(request.user))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        scope = ["set_for"] if obj else ["workflow", "for_all"]
        return ["name", "new_value", "is_secret", *scope]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Choose the workflow from whose page the list, and then this form, was opened."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        filters = QueryDict(str(initial.pop("_changelist_filters", "")))
        workflow = filters.get("workflow__id__exact")
        return {"workflow": workflow, **initial} if workflow else initial

    @admin.display(description="set for", ordering="workflow__name")
    def set_for(self, variable: EnvironmentVariable) -> str:
        return variable.workflow.name if variable.workflow else "all workflows"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Name and workflow identify a variable and cannot be changed."""
        return ["name", "set_for"] if obj else []
