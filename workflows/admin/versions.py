"""The admin pages of versions."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from audit.read_only_admin import ReadOnlyAdmin
from web.admin_lists.date_hierarchy import DateHierarchyQuerySet
from workflows.admin.blocks import SourceColumns, is_single_object, json_block
from workflows.models import WorkflowVersion
from workflows.picker.admin_filter import WorkflowFilter


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(SourceColumns, ReadOnlyAdmin, admin.ModelAdmin[WorkflowVersion]):
    """Versions are created by saving a workflow and never change."""

    empty_list_text = "Each saved version of a workflow is listed here."
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
        "settings",
    ]
    list_filter = [WorkflowFilter]
    list_select_related = ["workflow", "created_by"]
    search_fields = ["workflow__name", "workflow__id"]
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowVersion]:
        large = ("ir", "files", "entry_code", "dependencies", "deploy_settings")
        versions: QuerySet[WorkflowVersion] = DateHierarchyQuerySet(WorkflowVersion).order_by(
            *self.ordering
        )
        versions = versions.defer(*(f"workflow__{field}" for field in large))
        return versions if is_single_object(request) else versions.defer(*large)

    @admin.display(description="deploy settings")
    def settings(self, version: WorkflowVersion) -> SafeString | str:
        stored = version.deploy_settings
        return json_block(stored, "deploy settings") if stored else "defaults"

    @admin.display(ordering="number")
    def version(self, version: WorkflowVersion) -> str:
        return f"v{version.number}"

    @admin.display(description="workflow", ordering="workflow__name")
    def workflow_name(self, version: WorkflowVersion) -> str:
        return version.workflow.name
