"""The admin page of a workflow, with its live Workers and the Deploy button."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import DEPLOY, TAKE_DOWN
from deployments.presentation.live_workers import live_workers_of
from deployments.presentation.remediation import with_link
from deployments.services.archive import reasons_to_keep
from deployments.templatetags.deployments import status as status_context
from targets.cloudflare.errors import Finding
from workflows.admin import WorkflowAdmin
from workflows.draft_problems import draft_problems
from workflows.ir.reading.problems import Problem
from workflows.models import Workflow, WorkflowVersion


class DeployableWorkflowAdmin(WorkflowAdmin):
    """The admin of workflows, with their live version, last status and Deploy button."""

    list_display = ["name", "listed_kind", "id", "live", "last_status", "updated_at", "deploy"]
    change_form_template = "deployments/workflow_admin/change_form.html"
    editor_template = "deployments/workflow_admin/editor.html"
    delete_confirmation_template = "deployments/workflow_admin/delete_confirmation.html"
    object_history_template = "deployments/workflow_admin/object_history.html"
    delete_selected_confirmation_template = (
        "deployments/workflow_admin/delete_selected_confirmation.html"
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Workflow]:
        deployments = Deployment.objects.filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
        live = records.not_taken_down().filter(workflow_public_id=OuterRef("pk")).order_by("-pk")
        return (
            super()
            .get_queryset(request)
            .annotate(
                newest=Subquery(_versions().values("number")[:1]),
                live_version=Subquery(live.values("version_number")[:1]),
                last_id=Subquery(deployments.values("pk")[:1]),
                last_state=Subquery(deployments.values("status")[:1]),
            )
        )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A workflow with a locked version, or with a deployment that is queued or running, is kept."""
        deleted, counts, missing_permissions, protected = super().get_deleted_objects(objs, request)
        reasons = list(reasons_to_keep(list(objs)))
        return deleted, counts, missing_permissions, [*protected, *reasons]

    def get_list_display(self, request: HttpRequest) -> Any:
        may_deploy = request.user.has_perm(DEPLOY)
        return [column for column in self.list_display if may_deploy or column != "deploy"]

    @admin.display(description="live", empty_value="not deployed")
    def live(self, workflow: Any) -> str | None:
        return f"v{workflow.live_version}" if workflow.live_version else None

    @admin.display(description="last deployment", empty_value="none yet")
    def last_status(self, workflow: Any) -> SafeString | None:
        return status_link(workflow.last_id, workflow.last_state) if workflow.last_id else None

    @admin.display(description="")
    def deploy(self, workflow: Any) -> SafeString | str:
        """Return a button that submits the list's form to the Deploy URL."""
        if workflow.is_archived:
            return "archived"
        if not workflow.newest:
            return ""
        return format_html(
            '<button type="submit" class="button" formaction="{}" name="version" value="{}" '
            'aria-label="Deploy v{} of {}">Deploy v{}</button>',
            reverse("deployments:deploy", args=[workflow.pk]),
            workflow.newest,
            workflow.newest,
            workflow.name,
            workflow.newest,
        )

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        workflow = kwargs.get("obj")
        shows_problems = request.method == "GET"  # a posted form shows its own errors
        if shows_problems and workflow is not None and not workflow.is_project:
            context = {**context, **_problems(workflow)}
        return super().render_change_form(request, context, *args, **kwargs)

    def render_delete_form(self, request: HttpRequest, context: Any) -> HttpResponse:
        """Show which live Workers continue to run."""
        workflow = context["object"]
        more = {"workers": live_workers_of(workflow), "workflow": workflow}
        more["may_take_down"] = request.user.has_perm(TAKE_DOWN)
        return super().render_delete_form(request, {**context, **more})


def _versions() -> QuerySet[WorkflowVersion]:
    return WorkflowVersion.objects.filter(workflow=OuterRef("pk")).order_by("-number")


def _problems(workflow: Workflow) -> dict[str, Any]:
    """Return the errors and warnings of the draft."""
    problems = draft_problems(workflow)
    return {
        "draft_problems": problems,
        "draft_errors": [_as_row(problem) for problem in problems if problem.is_error],
        "draft_warnings": [_as_row(problem) for problem in problems if not problem.is_error],
    }


def _as_row(problem: Problem) -> dict[str, Any]:
    """Return the problem as a finding with a link to its node on the page."""
    row = Finding(message=problem.message, node_id=problem.node_id, path=problem.path).as_row()
    return with_link(row, f"#{urlencode({'node': problem.node_id})}")


def status_link(pk: int, status: str) -> SafeString:
    """Render a deployment's status as a link to its page."""
    url = reverse("deployments:deployment", args=[pk])
    return format_html('<a href="{}">{}</a>', url, status_badge(status))


def status_badge(status: str, stage: str = "") -> SafeString:
    """Render a status, and the stage if the deployment ended early."""
    html = render_to_string("web/_status.html", status_context(status, stage))
    return SafeString(html.strip())
