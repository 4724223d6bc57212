"""The pages that show: a dashboard, and a page per deployment with its tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
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
from deployments.presentation.remote_outcome import describe_remote_outcome
from deployments.queue.enqueue import MAX_ATTEMPTS
from deployments.views.deployment_tabs import TABS, Tab
from targets.cloudflare.errors import Cause
from web.decorators import HttpRequest, staff_with
from web.page_context import contributions
from web.rendering import live_page
from workflows.models import WorkflowVersion

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_SHOWN = (
    *board.SUMMARY,
    "problems",
    "warnings",
    "superseded_by_id",
    "parts",
    "reason",
    "secret_names",
    "version_id",
    "worker_name",
    "dashboard_url",
    "target__embedded",
)


@require_safe
@never_cache
@staff_with(VIEW)
def dashboard(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {
        "board": board.load(),
        "may_deploy": request.user.has_perm(DEPLOY),
        "may_cancel": request.user.has_perm(CANCEL),
        "max_attempts": MAX_ATTEMPTS,
        "may_add": request.user.has_perm("workflows.add_workflow"),
    }
    context |= contributions("dashboard", request, context)
    return live_page(request, "deployments/dashboard/dashboard", context)


@require_safe
@never_cache
@staff_with(VIEW)
def deployment(request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
    # The records first: a stage that begins in between is then newer than the cursor, and told.
    entered = list(StageRecord.objects.filter(deployment=pk).order_by("number"))
    shown = Deployment.objects.only(*_SHOWN, *tab.fields).select_related("target")
    item = get_object_or_404(shown, pk=pk)
    newest = _newest_version(item)
    context = {
        "deployment": item,
        "is_embedded": bool(item.target and item.target.embedded),
        "steps": stage_list.steps(item, entered, now=timezone.now()),
        "cursor": entered[-1].number if entered else 0,
        "elapsed": board.elapsed(item),
        "typical_seconds": _typical_seconds(item),
        "page_title": labels.page_title(item),
        "announcement": labels.announcement(item),
        "tabs": TABS,
        "tab": tab,
        "newest": newest,
        "max_attempts": MAX_ATTEMPTS,
        "warnings": _with_links(item, item.warnings),
        **available_actions.available_actions(item, request.user, newest=newest),
        **_ending(item, request.user),
        **tab.load(item),
    }
    return live_page(request, "deployments/deployment/deployment", context)


def _newest_version(item: Deployment) -> int:
    """The version that the Deploy button would deploy; this one where the workflow is gone."""
    versions = WorkflowVersion.objects.filter(workflow=item.workflow_id)
    return versions.values_list("number", flat=True).order_by("-number").first() or (
        item.version_number
    )


def _typical_seconds(item: Deployment) -> float | None:
    if item.is_final:
        return None
    return board.typical_seconds([item.workflow_public_id]).get(item.workflow_public_id)


def _ending(item: Deployment, user: User | AnonymousUser) -> dict[str, Any]:
    """What a deployment that has ended has to say to somebody."""
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
    """The deployment that tries again what a busy target refused."""
    if item.cause != Cause.RATE_LIMIT:
        return None
    mine = records.of_worker(item.workflow_public_id, item.target_id)
    return mine.filter(pk__gt=item.pk, attempt=item.attempt + 1).only("attempt").last()


def _with_links(item: Deployment, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lead from each finding to its node in the editor, and name the setting there."""
    return [
        {
            **finding,
            "url": remediation.editor_url(item, finding["node_id"]),
            "setting": _setting(finding),
        }
        if finding.get("node_id")
        else finding
        for finding in findings
    ]


def _setting(finding: dict[str, Any]) -> str:
    before, _, setting = finding.get("path", "").partition(f"nodes.{finding['node_id']}.")
    return "" if before else setting


@require_safe
@staff_with(VIEW)
def download(_request: HttpRequest, pk: int, output: int) -> HttpResponse:
    """A program's whole output as a text file."""
    found = get_object_or_404(ProgramOutput, pk=output, deployment=pk)
    name = f"deployment-{pk}-{slugify(found.program)}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(found.text, content_type="text/plain; charset=utf-8", headers=headers)
