"""The admin's pages for targets and for the history, which nobody can change."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, JSON
from import_export.forms import ExportForm

from audit.read_only import ReadOnly
from deployments import dashboard, presentation
from deployments.forms import TargetForm
from deployments.history import HistoryQuerySet
from deployments.history_export import COLUMNS, HistoryResource
from deployments.models import Deployment, Target
from deployments.templatetags.awaitstep import ago
from deployments.workflow_admin import DeployableWorkflowAdmin, status_badge
from workflows.models import Workflow

admin.site.site_header = "AwaitStep"
admin.site.site_title = "AwaitStep"
admin.site.index_title = "Administration"
admin.site.register(Workflow, DeployableWorkflowAdmin)


@admin.register(Target)
class TargetAdmin(admin.ModelAdmin[Target]):
    form = TargetForm
    list_display = ["name", "kind", "account_id", "is_default"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Target]:
        return super().get_queryset(request).defer("api_token")

    def get_fields(self, request: HttpRequest, obj: Target | None = None) -> Any:
        if obj and obj.embedded:
            return ["name", "kind", "account_id", "is_default"]
        return ["name", "account_id", "new_token", "api_base_url", "is_default"]

    def get_readonly_fields(self, request: HttpRequest, obj: Target | None = None) -> list[str]:
        """The embedded platform's account and address follow from the settings."""
        return ["name", "kind", "account_id"] if obj and obj.embedded else []

    @admin.display(ordering="embedded")
    def kind(self, target: Target) -> str:
        return "embedded platform" if target.embedded else "Cloudflare account"

    def has_delete_permission(self, request: HttpRequest, obj: Target | None = None) -> bool:
        return not (obj and obj.embedded) and super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> Any:
        """No deletion of many: it would take the embedded platform along."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def save_model(self, request: HttpRequest, obj: Target, form: Any, change: bool) -> None:  # noqa: FBT001
        if obj.is_default:
            Target.objects.filter(is_default=True).exclude(pk=obj.pk).update(is_default=False)
        super().save_model(request, obj, form, change)


class PersonFilter(admin.RelatedFieldListFilter):
    """The users, under a title that reads as a sentence: "By person"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "person"


@admin.register(Deployment)
class HistoryAdmin(ExportMixin, ReadOnly, admin.ModelAdmin[Deployment]):  # type: ignore[misc]
    """Read-only; each row leads to the deployment's page."""

    list_display = ["number", "what", "target_name", "state", "requested_by_name", "when", "took"]
    list_display_links = None
    list_filter = [
        "status",
        "stage",
        ("target", admin.RelatedFieldListFilter),
        ("workflow", admin.RelatedFieldListFilter),
        ("requested_by", PersonFilter),
    ]
    search_fields = [
        "workflow_name",
        "workflow_public_id",
        "target_name",
        "requested_by_name",
        "message",
    ]
    date_hierarchy = "created_at"
    sortable_by = ["number", "when"]
    list_per_page = 50
    show_full_result_count = False
    actions = None
    resource_classes = [HistoryResource]
    export_form_class = ExportForm

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return HistoryQuerySet(Deployment).only(*{*dashboard.SUMMARY, *COLUMNS})

    @admin.display(description="no.", ordering="pk")
    def number(self, deployment: Deployment) -> SafeString:
        return format_html('<a href="{}">#{}</a>', deployment.get_absolute_url(), deployment.pk)

    @admin.display(description="workflow")
    def what(self, deployment: Deployment) -> str:
        return f"{deployment.workflow_name} v{deployment.version_number}"

    @admin.display(description="status")
    def state(self, deployment: Deployment) -> SafeString:
        return status_badge(deployment.status, deployment.stage)

    @admin.display(description="when", ordering="created_at")
    def when(self, deployment: Deployment) -> str | SafeString:
        return ago(deployment.created_at)

    @admin.display(description="duration")
    def took(self, deployment: Deployment) -> str:
        return presentation.duration(presentation.time_taken(deployment))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Deployments", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any
    ) -> HttpResponse:
        return redirect("deployments:deployment", pk=int(object_id))

    def get_export_formats(self) -> list[Any]:
        return [CSV, JSON]

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
