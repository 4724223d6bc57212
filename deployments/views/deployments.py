"""The dashboard and a deployment's page, with its tabs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from deployments.history import records
from deployments.models import Deployment, ProgramOutput, StageRecord
from deployments.permissions import CANCEL, DEPLOY, VIEW
from deployments.pipeline.stages import Status
from deployments.presentation import (
    available_actions,
    labels,
    remediation,
    stage_list,
)
from deployments.presentation import dashboard as board
from deployments.presentation.first_steps import first_steps
from deployments.presentation.project_files import download as download_file
from deployments.presentation.project_files import (
    is_file_download,
    is_of_project,
    links_of_deployment,
)
from deployments.presentation.remote_outcome_text import describe_remote_outcome
from deployments.queue.enqueue import MAX_ATTEMPTS
from deployments.views.deployment_tabs import TABS, Tab, hide_later_secrets
from targets.cloudflare.errors import Cause
from web import navigation
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.page_context import contributions
from web.rendering import live_page
from workflows.models import WorkflowVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_HIDES_FIRST_STEPS = "awaitstep_hides_first_steps"
_YEAR = timedelta(days=365)
_SHOWN = (
    *board.SUMMARY,
    "problems",
    "warnings",
    "superseded_by_id",
    "parts",
    "reason",
    "required_tests",
    "output_removed_after",
    "stages_removed_after",
    "secret_names",
    "version_id",
    "worker_name",
    "dashboard_url",
    "target__embedded",
)


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Show the dashboard to staff who may view deployments; redirect others to the first page that they may open.

    Every page links to the dashboard.
    """
    first = next(iter(navigation.items_for(request.user)), navigation.ADMINISTRATION)
    if first is navigation.ADMINISTRATION or first.permission == VIEW:
        return _dashboard(request)
    return redirect(first.url)


@staff_with(VIEW)
def _dashboard(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "board": board.load(),
        "may_deploy": request.user.has_perm(DEPLOY),
        "may_cancel": request.user.has_perm(CANCEL),
        "max_attempts": MAX_ATTEMPTS,
        "may_add": request.user.has_perm("workflows.add_workflow"),
    }
    context |= contributions("dashboard", request, context)
    if _HIDES_FIRST_STEPS not in request.COOKIES:
        context["first_steps"] = first_steps(context["board"], context.get("recent_runs"))
    return live_page(request, "deployments/dashboard/dashboard", context)


def _to_dashboard(_request: HttpRequest) -> str:
    return reverse("deployments:dashboard")


@redirect_get_to(_to_dashboard)
@staff_with(VIEW)
def hide_first_steps(request: HttpRequest) -> HttpResponse:
    """Hide the panel of the first steps in this browser."""
    response = redirect("deployments:dashboard")
    secure = settings.SESSION_COOKIE_SECURE
    response.set_cookie(
        _HIDES_FIRST_STEPS, "1", max_age=_YEAR, httponly=True, samesite="Lax", secure=secure
    )
    return response


@require_safe
@staff_with(VIEW)
def deployment(request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
    """Show a deployment with one of its tabs, to staff who may view deployments."""
    # Query the records first: the event stream sends stages that start after the cursor.
    stage_records = list(StageRecord.objects.filter(deployment=pk).order_by("number"))
    shown = Deployment.objects.only(*_SHOWN, *tab.fields).select_related("target")
    item = get_object_or_404(shown, pk=pk)
    is_project = tab.of_project is not None and is_of_project(item)
    if is_project and tab.slug == "code" and is_file_download(request.GET):
        return download_file(item.files, request.GET)
    newest = _newest_version(item)
    context: dict[str, Any] = {
        "deployment": item,
        "is_embedded": bool(item.target and item.target.embedded),
        "steps": stage_list.steps(item, stage_records, now=timezone.now()),
        "cursor": stage_records[-1].number if stage_records else 0,
        "elapsed": board.elapsed(item),
        "typical_seconds": _typical_seconds(item),
        "page_title": labels.page_title(item),
        "announcement": labels.announcement(item),
        "tabs": TABS,
        "tab": tab,
        "newest": newest,
        "max_attempts": MAX_ATTEMPTS,
        "warnings": _with_links(item, item.warnings),
        "required_tests": _required_tests(item),
        **available_actions.available_actions(item, request.user, newest=newest),
        **_outcome(item, request.user),
        "is_project": is_project,
        **tab.context(item, request.GET, is_project=is_project),
    }
    context |= contributions("deployment", request, context)
    return live_page(request, "deployments/deployment/deployment", context)


def _required_tests(item: Deployment) -> list[dict[str, Any]] | None:
    """Return how each required test ended; None if the target required none."""
    if item.required_tests is None:
        return None
    hide = hide_later_secrets(item)
    return [{**row, "name": hide(row["name"])} for row in item.required_tests]


def _newest_version(item: Deployment) -> int:
    """Return the newest version of the workflow; this one if the workflow was deleted."""
    versions = WorkflowVersion.objects.filter(workflow=item.workflow_id)
    return versions.values_list("number", flat=True).order_by("-number").first() or (
        item.version_number
    )


def _typical_seconds(item: Deployment) -> float | None:
    if item.is_final:
        return None
    return board.typical_seconds([item.workflow_public_id]).get(item.workflow_public_id)


def _outcome(item: Deployment, user: User | AnonymousUser) -> dict[str, Any]:
    """Return the context of a deployment that has ended."""
    if not item.is_final:
        return {}
    if item.state is Status.SUCCEEDED:
        return {"curl": remediation.curl(item)}
    findings = _with_links(item, item.problems)
    return {
        "findings": findings,
        "headline": item.message.partition("\n")[0] if findings else item.message,
        "remote_outcome": describe_remote_outcome(item),
        "advice": labels.advice(item),
        "links": remediation.links(item, user),
        "next_attempt": _next_attempt(item),
    }


def _next_attempt(item: Deployment) -> Deployment | None:
    """Return the automatic retry after a busy target refused the deployment."""
    if item.cause != Cause.RATE_LIMIT:
        return None
    same_worker = records.of_worker(item.workflow_public_id, item.target_id)
    return same_worker.filter(pk__gt=item.pk, attempt=item.attempt + 1).only("attempt").last()


def _with_links(item: Deployment, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each finding the link to its node in the editor, or to its line in a file."""
    if not findings:
        return []
    files = links_of_deployment(item)
    return [
        remediation.with_link(
            files.linked(row), remediation.editor_url(item, row.get("node_id", ""))
        )
        for row in findings
    ]


@require_safe
@staff_with(VIEW)
def download(_request: HttpRequest, pk: int, output: int) -> HttpResponse:
    """Download the full output of a program as a text file."""
    outputs = ProgramOutput.objects.select_related("deployment")
    program_output = get_object_or_404(outputs, pk=output, deployment=pk)
    hide = hide_later_secrets(program_output.deployment)
    name = f"deployment-{pk}-{slugify(program_output.program)}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(
        hide(program_output.text), content_type="text/plain; charset=utf-8", headers=headers
    )
