"""The admin pages of workflows: the list, the editor, and the form with all other settings."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.fields.json import KT
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.decorators import method_decorator
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from audit.listed_filters import ListedFilters
from audit.trail import Actor
from web.decorators import HttpRequest as HtmxRequest
from workflows import audit_entries, lifecycle, services
from workflows.admin.blocks import SourceColumns, is_single_object, json_block
from workflows.documentation.templates import templates
from workflows.draft_problems import draft_problems
from workflows.editing.new_documents import typed_name
from workflows.exchange.exports import NotExported, export
from workflows.forms import ProjectForm, WorkflowForm
from workflows.ir.document.kinds import PROJECT, SCRIPT, WORKFLOW, kind_of
from workflows.ir.reading.names import name_problem
from workflows.models import DeclaredBinding, Workflow, WorkflowVersion
from workflows.views.editor import editor_context
from workflows.views.exporting import as_response
from workflows.views.project_editor import project_context

_MAX_PROBLEMS = 10  # shown after saving
_FORM = "form"


class DeclaredBindingInline(admin.TabularInline[DeclaredBinding, Workflow]):
    """The declared bindings of a workflow, with the permissions of the workflow."""

    model = DeclaredBinding
    template = "workflows/bindings_inline.html"
    verbose_name_plural = "declared bindings"
    fields = ["name", "kind"]
    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("workflows.view_workflow")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        permission = "change_workflow" if obj else "add_workflow"
        return request.user.has_perm(f"workflows.{permission}")

    has_change_permission = has_add_permission
    has_delete_permission = has_add_permission


class ArchivedFilter(admin.SimpleListFilter):
    """Leaves out archived workflows, unless they are asked for."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("archived", "Archived"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Not archived"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "all":
                return queryset
            case "archived":
                return queryset.filter(archived_at__isnull=False)
            case _:
                return queryset.filter(archived_at=None)


class KindFilter(admin.SimpleListFilter):
    """Workflows, scripts or projects."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind, kind.capitalize()) for kind in (WORKFLOW, SCRIPT, PROJECT)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "script" | "project" as kind:
                return queryset.filter(ir__kind=kind)
            case "workflow":
                return queryset.filter(Q(ir__kind=WORKFLOW) | Q(ir__kind__isnull=True))
            case _:
                return queryset


class WorkflowAdmin(SourceColumns, ListedFilters, admin.ModelAdmin[Workflow]):
    """Saves through the service, which creates a version; `deployments.admin` registers a subclass."""

    form = WorkflowForm
    editor_template = "workflows/editor/editor.html"
    empty_list_text = "Workflows are listed here. Add the first one, and build it in the editor."
    inlines = [DeclaredBindingInline]
    list_display = ["name", "listed_kind", "id", "updated_at"]
    list_filter = [ArchivedFilter, KindFilter]
    search_fields = ["name", "id", "description"]
    view_on_site = False
    actions = ["export_workflows"]
    fieldsets = [
        (None, {"fields": ["name", "description", "ir", "opened_at"]}),
        ("Code", {"fields": ["entry_code", "dependencies"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show code in lines to users who can only view it."""
        if obj is not None and obj.is_project:
            more = ["opened_at"] if self.has_change_permission(request, obj) else []
            return [(None, {"fields": ["name", "description", *more]})]
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return [
            (None, {"fields": ["name", "description", "document"]}),
            ("Code", {"fields": ["code", "packages"]}),
        ]

    def get_form(self, request: HttpRequest, obj: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Show only the name and the description of a project."""
        if obj is not None and obj.is_project:
            kwargs["form"] = ProjectForm
        return super().get_form(request, obj, *args, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Leave out the declared bindings of projects, which are in their configuration."""
        return [] if obj is not None and obj.is_project else super().get_inlines(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_archived = obj is not None and obj.is_archived
        return super().has_change_permission(request, obj) and not is_archived

    @admin.action(description="Export selected workflows", permissions=["view"])
    def export_workflows(self, request: HttpRequest, chosen: QuerySet[Workflow]) -> Any:
        """Send the drafts as one zip file."""
        rows = Workflow.objects.filter(pk__in=chosen.values("pk"))
        try:
            return as_response(export(rows, by=Actor.of(request.user)))
        except NotExported as error:
            self.message_user(request, str(error), messages.ERROR)
            return None

    @admin.display(description="kind")
    def listed_kind(self, workflow: Any) -> str:
        """Return the kind of a workflow in the list, without its document."""
        return kind_of({"kind": workflow.kind_name}).capitalize()

    @admin.display(description="dependencies")
    def packages(self, workflow: Workflow) -> SafeString:
        return json_block(workflow.dependencies, "dependencies")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        workflows: QuerySet[Workflow] = super().get_queryset(request)
        if is_single_object(request):
            return workflows
        large = ("ir", "files", "entry_code", "dependencies")
        return workflows.defer(*large).annotate(kind_name=KT("ir__kind"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the editor; with the parameter `form`, show the form with all other settings instead."""
        if request.method == "POST" or _FORM in request.GET:
            return super().change_view(request, object_id, form_url, extra_context)
        workflow = self.get_object(request, unquote(object_id))
        if workflow is None or not self.has_view_or_change_permission(request, workflow):
            return super().change_view(request, object_id, form_url, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": workflow.name,
            "opts": self.opts,
            "original": workflow,
            "has_change_permission": self.has_change_permission(request, workflow),
            **self.editor_context(request, workflow),
        }
        return TemplateResponse(request, self.editor_template, context)

    def editor_context(self, request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
        """Return what the editor's template needs."""
        context_of = project_context if workflow.is_project else editor_context
        return context_of(cast("HtmxRequest", request), workflow)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Ask for a name and open the editor, or offer templates; with the parameter `form`, show the form instead."""
        if _FORM in request.GET or "ir" in request.POST or not self.has_add_permission(request):
            return super().add_view(request, form_url, extra_context)
        name = typed_name(request.POST.get("name", ""))
        error = _new_name_error(request, name) if request.method == "POST" else ""
        if request.method == "POST" and not error:
            workflow = services.create_workflow(name, by=cast("User", request.user))
            return redirect(workflow.get_absolute_url())
        context = {
            **self.admin_site.each_context(request),
            "title": "New workflow",
            "opts": self.opts,
            "error": error,
            "templates": templates(),
        }
        return TemplateResponse(request, "workflows/editor/new.html", context)

    @method_decorator(csrf_protect)
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Check a posted draft before the transaction: that may take seconds, and blocks writers."""
        change: Any = self._changeform_view  # type: ignore[attr-defined]
        try:
            return change(request, *_form_arguments(*args, **kwargs))
        except _SavedMeanwhile:  # the form now finds the newer draft
            return change(request, *_form_arguments(*args, **kwargs))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001
        """Leave saving to `save_related`, which saves everything in one transaction."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001
        """Create the version after the declared bindings, which are part of it, have been saved."""
        obj = form.instance
        if obj.is_project:
            _save_description(obj, form, by=Actor.of(request.user))
            return
        draft = services.check_draft(obj)
        with transaction.atomic():
            obj.lock()
            if form.is_outdated():
                raise _SavedMeanwhile
            if not change:  # related objects of a new workflow need its row
                obj.save()
            super().save_related(request, form, formsets, change)
            version = services.save_checked(draft, by=cast("User", request.user))
            audit_entries.record_version("workflow saved", version, by=Actor.of(request.user))
        if "_continue" in request.POST:
            return  # the page that follows shows the problems
        for problem in draft_problems(obj)[:_MAX_PROBLEMS]:
            kind = "A deploy would fail" if problem.is_error else "Warning"
            messages.warning(request, f"{kind}: {problem}")

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        return _back_to_form(request, super().response_add(request, obj, *args))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return _back_to_form(request, super().response_change(request, obj))

    def delete_model(self, request: HttpRequest, obj: Workflow) -> None:
        audit_entries.record_workflow("workflow deleted", obj, by=Actor.of(request.user))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Workflow]) -> None:
        for workflow in queryset:
            audit_entries.record_workflow("workflow deleted", workflow, by=Actor.of(request.user))
        super().delete_queryset(request, queryset)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Allow the cascade to versions, which cannot be deleted on their own."""
        objects, counts, missing, protected = super().get_deleted_objects(objs, request)
        missing = set(missing) - {WorkflowVersion._meta.verbose_name}
        return objects, counts, missing, protected


def _save_description(project: Workflow, form: Any, *, by: Actor) -> None:
    lifecycle.describe(project, before=str(form.initial["name"]), changed=form.changed_data, by=by)


def _new_name_error(request: HttpRequest, name: str) -> str:
    """Return why no workflow is created; "" if one is."""
    if "example" in request.POST:  # a template posts to another address
        return "There is no such template. Choose one of those below."
    if not name:
        return "Give the workflow a name."
    problem = name_problem(name)
    return f"The name {problem}." if problem else ""


def _back_to_form(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """After "Save and continue editing", show the form again instead of the editor."""
    if "_continue" in request.POST and "Location" in response:
        response["Location"] = f"{response['Location'].partition('?')[0]}?{_FORM}"
    return response


class _SavedMeanwhile(Exception):
    """Someone else saved the workflow after the form was checked."""


def _form_arguments(
    object_id: str | None = None, form_url: str = "", extra_context: Any = None
) -> tuple[str | None, str, Any]:
    """Return the arguments of Django's change form view, in order."""
    return object_id, form_url, extra_context
