"""Admin pages of workflows, their versions, environment variables and node types."""

from __future__ import annotations

import json
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.csrf import csrf_protect

from audit.read_only_admin import ReadOnlyAdmin
from audit.trail import Actor
from web.decorators import HttpRequest as HtmxRequest
from web.edit_conflicts import EditConflictAdmin
from workflows import audit_entries, services
from workflows.documentation.templates import templates
from workflows.draft_problems import draft_problems
from workflows.editing.new_documents import typed_name
from workflows.exchange.exports import NotExported, export
from workflows.forms import VariableForm, WorkflowForm
from workflows.ir.custom.definition import Definition, read_definition
from workflows.ir.document.model import name_problem
from workflows.ir.settings.setting_field import SettingField
from workflows.models import (
    DeclaredBinding,
    EnvironmentVariable,
    NodeType,
    Workflow,
    WorkflowVersion,
)
from workflows.node_types.registered import workflows_using
from workflows.views.editor import editor_context
from workflows.views.exporting import as_response

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


class _SourceColumns:
    """The document and the entry code of a draft or a version, read-only."""

    @admin.display(description="document (IR)")
    def document(self, source: Workflow | WorkflowVersion) -> SafeString:
        return _json_block(source.ir, "document")

    @admin.display(description="entry code", empty_value="default of the trigger")
    def code(self, source: Workflow | WorkflowVersion) -> SafeString | None:
        return _code_block(source.entry_code, "entry code") if source.entry_code else None


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


class WorkflowAdmin(_SourceColumns, admin.ModelAdmin[Workflow]):
    """Saves through the service, which creates a version; `deployments.admin` registers a subclass."""

    form = WorkflowForm
    editor_template = "workflows/editor/editor.html"
    empty_list_text = "Workflows are listed here. Add the first one, and build it in the editor."
    inlines = [DeclaredBindingInline]
    list_display = ["name", "id", "updated_at"]
    list_filter = [ArchivedFilter]
    search_fields = ["name", "id", "description"]
    view_on_site = False
    actions = ["export_workflows"]
    fieldsets = [
        (None, {"fields": ["name", "description", "ir", "opened_at"]}),
        ("Code", {"fields": ["entry_code", "dependencies"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show code in lines to users who can only view it."""
        if obj is None or self.has_change_permission(request, obj):
            return super().get_fieldsets(request, obj)
        return [
            (None, {"fields": ["name", "description", "document"]}),
            ("Code", {"fields": ["code", "packages"]}),
        ]

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

    @admin.display(description="dependencies")
    def packages(self, workflow: Workflow) -> SafeString:
        return _json_block(workflow.dependencies, "dependencies")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        workflows = super().get_queryset(request)
        if _is_single_object(request):
            return workflows
        return workflows.defer("ir", "entry_code", "dependencies")

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
        return editor_context(cast("HtmxRequest", request), workflow)

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
        draft = services.check_draft(obj)
        with transaction.atomic():
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
        """Allow the cascade to versions, which cannot be deleted on their own; respect locks."""
        objects, counts, missing, protected = super().get_deleted_objects(objs, request)
        missing = set(missing) - {WorkflowVersion._meta.verbose_name}
        locked = WorkflowVersion.objects.filter(workflow__in=objs, locked=True)
        protected = [*protected, *(f"{version} is locked" for version in locked)]
        return objects, counts, missing, protected


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


def _is_single_object(request: HttpRequest) -> bool:
    return bool(request.resolver_match and "object_id" in request.resolver_match.kwargs)


def _code_block(code: str, name: str) -> SafeString:
    """Return code in a box that can be scrolled, including with the keyboard."""
    return format_html(
        '<pre class="code-block" tabindex="0" role="region" aria-label="{}">{}</pre>', name, code
    )


def _json_block(value: Any, name: str) -> SafeString:
    return _code_block(json.dumps(value, indent=2, ensure_ascii=False), name)


@admin.register(WorkflowVersion)
class WorkflowVersionAdmin(_SourceColumns, ReadOnlyAdmin, admin.ModelAdmin[WorkflowVersion]):
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
    list_filter = [("workflow", admin.RelatedFieldListFilter)]
    list_select_related = ["workflow", "created_by"]
    search_fields = ["workflow__name", "workflow__id"]
    date_hierarchy = "created_at"
    ordering = ["-pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[WorkflowVersion]:
        large = ("ir", "entry_code", "dependencies", "deploy_settings")
        versions = super().get_queryset(request).defer(*(f"workflow__{field}" for field in large))
        return versions if _is_single_object(request) else versions.defer(*large)

    @admin.display(description="deploy settings")
    def settings(self, version: WorkflowVersion) -> SafeString | str:
        stored = version.deploy_settings
        return _json_block(stored, "deploy settings") if stored else "defaults"

    @admin.display(ordering="number")
    def version(self, version: WorkflowVersion) -> str:
        return f"v{version.number}"

    @admin.display(description="workflow", ordering="workflow__name")
    def workflow_name(self, version: WorkflowVersion) -> str:
        return version.workflow.name


@admin.register(EnvironmentVariable)
class EnvironmentVariableAdmin(EditConflictAdmin, admin.ModelAdmin[EnvironmentVariable]):
    """Variables and secrets, of one workflow or of all workflows."""

    form = VariableForm
    empty_list_text = (
        "Variables and secrets that the code of workflows reads, such as API keys, are listed here."
    )
    list_display = ["name", "set_for", "is_secret", "updated_at"]
    list_filter = ["is_secret", ("workflow", admin.RelatedFieldListFilter)]
    list_select_related = ["workflow"]
    search_fields = ["name", "workflow__name"]
    empty_value_display = "all workflows"

    def get_queryset(self, request: HttpRequest) -> QuerySet[EnvironmentVariable]:
        """Leave out the values, so that a list works even if one cannot be decrypted."""
        large = (f"workflow__{field}" for field in ("ir", "entry_code", "dependencies"))
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
        audit_entries.record_variable("variable deleted", obj, by=Actor.of(request.user))
        super().delete_model(request, obj)

    def delete_queryset(
        self, request: HttpRequest, queryset: QuerySet[EnvironmentVariable]
    ) -> None:
        for variable in queryset:
            audit_entries.record_variable("variable deleted", variable, by=Actor.of(request.user))
        super().delete_queryset(request, queryset)

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


@admin.register(NodeType)
class NodeTypeAdmin(ReadOnlyAdmin, admin.ModelAdmin[NodeType]):
    """Node types are loaded from files and never change; the page also shows who uses them."""

    empty_list_text = "Node types that were loaded from files are listed here."
    list_display = ["name", "type_id", "version", "category", "state", "loaded_at", "loaded_by"]
    search_fields = ["name", "type_id"]
    fields = [
        ("type_id", "version"),
        "about",
        "state",
        "settings",
        "output",
        "packages",
        "used_by",
        ("loaded_at", "loaded_by"),
        "code",
        "node_json",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NodeType]:
        types = super().get_queryset(request)
        return types if _is_single_object(request) else types.defer("template")

    @admin.display(description="category")
    def category(self, node_type: NodeType) -> str:
        return str(node_type.definition.get("category", ""))

    @admin.display(description="state")
    def state(self, node_type: NodeType) -> str:
        definition = _definition(node_type)
        return (definition.deprecation if definition else "") or "current"

    @admin.display(description="description")
    def about(self, node_type: NodeType) -> SafeString | str:
        definition = _definition(node_type)
        if definition is None:
            return ""
        url = definition.docs_url
        docs = format_html(' <a href="{}" rel="noreferrer">{}</a>', url, url) if url else ""
        return format_html("{}{}", definition.description, docs)

    @admin.display(description="settings")
    def settings(self, node_type: NodeType) -> SafeString | str:
        definition = _definition(node_type)
        rows = [_row(field) for field in definition.fields] if definition else []
        body = format_html_join(
            "",
            '<tr><th scope="row"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td></tr>',
            rows,
        )
        return format_html("<table>{}{}</table>", _SETTINGS_HEAD, body) if rows else "none"

    @admin.display(description="output")
    def output(self, node_type: NodeType) -> SafeString:
        definition = _definition(node_type)
        return format_html("<code>{}</code>", definition.output if definition else "any")

    @admin.display(description="npm packages")
    def packages(self, node_type: NodeType) -> str:
        definition = _definition(node_type)
        packages = definition.dependencies if definition else {}
        return ", ".join(f"{name} {version}" for name, version in packages.items()) or "none"

    @admin.display(description="used by")
    def used_by(self, node_type: NodeType) -> SafeString | str:
        links = [
            (reverse("admin:workflows_workflow_change", args=[workflow.pk]), workflow.name)
            for workflow in workflows_using(node_type)
        ]
        return format_html_join(", ", '<a href="{}">{}</a>', links) or "no workflow"

    @admin.display(description="template")
    def code(self, node_type: NodeType) -> SafeString:
        return _code_block(node_type.template, "template")

    @admin.display(description="node.json")
    def node_json(self, node_type: NodeType) -> SafeString:
        return _json_block(node_type.definition, "node.json")


_SETTINGS_HEAD = SafeString(
    "<tr>"
    + "".join(
        f'<th scope="col">{word}</th>' for word in ("Name", "Kind", "Required", "Description")
    )
    + "</tr>"
)


def _definition(node_type: NodeType) -> Definition | None:
    return read_definition(node_type.definition, built_in=()).definition


def _row(field: SettingField) -> tuple[str, str, str, str]:
    """Return a setting's name, its kind, whether it is required, and its description."""
    required = "yes" if field.required else "no"
    if field.default is not None:
        required = f"no; {json.dumps(field.default, ensure_ascii=False)} by default"
    kind = f"secret: the variable {field.variable}" if field.variable else str(field.kind)
    description = ". ".join(part.rstrip(".") for part in (field.label, field.help) if part)
    return field.name, kind, required, description
