"""The deployment history in the admin, read-only."""

from __future__ import annotations

import re
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from import_export.admin import ExportMixin
from import_export.formats.base_formats import CSV, JSON
from import_export.forms import ExportForm

from audit.read_only_admin import ReadOnlyAdmin
from deployments.admin.export_stream import csv_parts, export_response, json_parts
from deployments.admin.history_export import COLUMNS, HistoryResource
from deployments.admin.targets import DeployableTargetAdmin
from deployments.admin.workflows import DeployableWorkflowAdmin, status_badge
from deployments.models import Deployment
from deployments.presentation import dashboard
from deployments.templatetags.deployments import cause_label
from targets.models import Target
from web.admin_lists.date_hierarchy import DateHierarchyQuerySet
from web.converters import Key
from web.formatting import duration
from web.templatetags.ui import ago
from workflows.models import Workflow
from workflows.picker.admin_filter import WorkflowFilter

MAX_FOUND: Final = 1_000  # results of a search
_KEY = re.compile(Key.regex)
_WRITERS = {CSV: csv_parts, JSON: json_parts}

admin.site.site_header = "AwaitStep"
admin.site.site_title = "AwaitStep"
admin.site.index_title = "Administration"
admin.site.register(Workflow, DeployableWorkflowAdmin)
admin.site.register(Target, DeployableTargetAdmin)


class PersonFilter(admin.RelatedFieldListFilter):
    """Filters by user, under the title "By person"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "person"


@admin.register(Deployment)
class HistoryAdmin(ExportMixin, ReadOnlyAdmin, admin.ModelAdmin[Deployment]):  # type: ignore[misc]
    """Read-only; each row links to the deployment's page."""

    empty_list_text = "Each deployment is listed here, with its outcome and its duration."
    list_display = ["number", "what", "target_name", "state", "requested_by_name", "when", "took"]
    list_display_links = None
    list_filter = [
        WorkflowFilter,
        "status",
        "action",
        "cause",
        "stage",
        ("target", admin.RelatedFieldListFilter),
        ("requested_by", PersonFilter),
    ]
    search_fields = [
        "workflow_name",
        "workflow_public_id",
        "target_name",
        "requested_by_name",
        "message",
        "reason",
    ]
    date_hierarchy = "created_at"
    sortable_by = ["number", "when"]
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they would count all rows for each choice
    actions = None
    resource_classes = [HistoryResource]
    export_form_class = ExportForm

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Deployment], search_term: str
    ) -> tuple[QuerySet[Deployment], bool]:
        """Search once for the newest rows; the list would search for its count, dates and rows."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term or request.method != "GET":  # an export has all rows
            return found, may_repeat
        keys = list(found.order_by("-pk").values_list("pk", flat=True)[:MAX_FOUND])
        if len(keys) == MAX_FOUND:
            messages.info(request, f"These are the newest {MAX_FOUND:,} results.")
        return queryset.filter(pk__in=keys), may_repeat

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return DateHierarchyQuerySet(Deployment).only(*{*dashboard.SUMMARY, *COLUMNS})

    @admin.display(description="no.", ordering="pk")
    def number(self, deployment: Deployment) -> SafeString:
        return format_html('<a href="{}">#{}</a>', deployment.get_absolute_url(), deployment.pk)

    @admin.display(description="workflow")
    def what(self, deployment: Deployment) -> str | SafeString:
        """Return the workflow, and the action unless it is a plain deploy."""
        what = f"{deployment.workflow_name} v{deployment.version_number}"
        action = deployment.action_summary
        return format_html('{} <span class="quiet">{}</span>', what, action) if action else what

    @admin.display(description="status")
    def state(self, deployment: Deployment) -> SafeString:
        """Return the status, with the stage and the cause of a failure."""
        badge = status_badge(deployment.status, deployment.stage)
        label = cause_label(deployment.cause)
        return format_html('{}<br><span class="quiet">{}</span>', badge, label) if label else badge

    @admin.display(description="when", ordering="created_at")
    def when(self, deployment: Deployment) -> str | SafeString:
        return ago(deployment.created_at)

    @admin.display(description="duration")
    def took(self, deployment: Deployment) -> str:
        return duration(deployment.duration)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Deployments", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, *_args: Any, **_kwargs: Any
    ) -> HttpResponse:
        if not _KEY.fullmatch(object_id):
            raise Http404("There is no such deployment.")
        return redirect("deployments:deployment", pk=int(object_id))

    def export_action(self, request: HttpRequest) -> HttpResponseBase:
        """Redirect to the list if the URL has an unknown filter, as the list itself does."""
        try:
            response: HttpResponseBase = super().export_action(request)
        except (FieldError, IncorrectLookupParameters, DisallowedModelAdminLookup):
            messages.error(request, "Nothing was exported: the URL has an unknown filter.")
            return redirect("admin:deployments_deployment_changelist")
        return response

    def get_export_formats(self) -> list[Any]:
        return list(_WRITERS)

    def _do_file_export(
        self,
        file_format: Any,
        request: HttpRequest,
        queryset: QuerySet[Deployment],
        export_form: Any = None,
    ) -> HttpResponseBase:
        """Return the file as a stream; import-export would build the whole file in memory."""
        write = _WRITERS[type(file_format)]
        content_type = file_format.get_content_type()
        response = export_response(request, queryset, write=write, content_type=content_type)
        name = self.get_export_filename(request, queryset, file_format)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def has_export_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
