"""The pages: a dashboard, a page per deployment with its tabs, and the one action, Deploy."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.text import slugify
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from deployments import dashboard as board
from deployments import next_steps, presentation, services
from deployments.access import HttpRequest, staff_with
from deployments.errors import DeployError
from deployments.models import Deployment, ProgramOutput, StageRecord, Target
from deployments.tabs import TABS, Tab
from workflows.models import Workflow, WorkflowVersion

VIEW = "deployments.view_deployment"
DEPLOY = "deployments.add_deployment"
_SHOWN = (
    *board.SUMMARY,
    "problems",
    "warnings",
    "superseded_by_id",
    "worker_name",
    "dashboard_url",
    "target__embedded",
)


@require_safe
@never_cache
@staff_with(VIEW)
def dashboard(request: HttpRequest) -> HttpResponse:
    context = {
        "board": board.load(),
        "may_deploy": request.user.has_perm(DEPLOY),
        "may_add": request.user.has_perm("workflows.add_workflow"),
    }
    return _page(request, "dashboard", context)


@require_safe
@never_cache
@staff_with(VIEW)
def deployment(request: HttpRequest, pk: int, tab: Tab) -> HttpResponse:
    # The records first: a stage that begins in between is then newer than the cursor, and told.
    records = list(StageRecord.objects.filter(deployment=pk).order_by("number"))
    shown = Deployment.objects.only(*_SHOWN, *tab.fields).select_related("target")
    item = get_object_or_404(shown, pk=pk)
    now = timezone.now()
    context = {
        "deployment": item,
        "is_embedded": bool(item.target and item.target.embedded),
        "steps": presentation.steps(item, records, now=now),
        "cursor": records[-1].number if records else 0,
        "elapsed": board.elapsed(item),
        "usual": _usual(item),
        "page_title": presentation.page_title(item),
        "announcement": presentation.announcement(item),
        "tabs": TABS,
        "tab": tab,
        "may_deploy": bool(item.workflow_id) and request.user.has_perm(DEPLOY),
        "newest": _newest_version(item),
        "warnings": _with_links(item, item.warnings),
        **_ending(item),
        **tab.load(item),
    }
    return _page(request, "deployment", context)


def _newest_version(item: Deployment) -> int:
    """The version that the Deploy button would deploy; this one where the workflow is gone."""
    versions = WorkflowVersion.objects.filter(workflow=item.workflow_id)
    return versions.values_list("number", flat=True).order_by("-number").first() or (
        item.version_number
    )


def _usual(item: Deployment) -> float | None:
    if item.is_final:
        return None
    return board.usual_times([item.workflow_public_id]).get(item.workflow_public_id)


def _ending(item: Deployment) -> dict[str, Any]:
    """What a deployment that has ended has to say."""
    if item.status == "succeeded":
        replaced_by = services.replaced_by(item)
        return {"replaced_by": replaced_by, "curl": next_steps.curl(item)}
    if not item.is_final:
        return {}
    findings = _with_links(item, item.problems)
    return {
        "findings": findings,
        "headline": item.message.partition("\n")[0] if findings else item.message,
        "what_is_live": presentation.what_is_live(item),
        "advice": presentation.advice(item),
        "links": next_steps.links(item),
    }


def _with_links(item: Deployment, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lead from each finding to its node in the editor, and name the setting there."""
    return [
        {
            **finding,
            "url": next_steps.editor_url(item, finding["node_id"]),
            "setting": _setting(finding),
        }
        if finding.get("node_id")
        else finding
        for finding in findings
    ]


def _setting(finding: dict[str, Any]) -> str:
    before, _, setting = finding.get("path", "").partition(f"nodes.{finding['node_id']}.")
    return "" if before else setting


def _page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer with the whole page, or with its live part when htmx asks for it."""
    if request.htmx:
        answer = render(request, f"deployments/_{name}.html", context)
    else:
        context = {**admin.site.each_context(request), **context}
        answer = render(request, f"deployments/{name}.html", context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


@require_safe
@staff_with(VIEW)
def download(_request: HttpRequest, pk: int, output: int) -> HttpResponse:
    """A program's whole output as a text file."""
    found = get_object_or_404(ProgramOutput, pk=output, deployment=pk)
    name = f"deployment-{pk}-{slugify(found.program)}.txt"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(found.text, content_type="text/plain; charset=utf-8", headers=headers)


@require_POST
@staff_with(DEPLOY)
def deploy(request: HttpRequest, pk: str) -> HttpResponse:
    """Deploy the workflow's newest version to the default target, or to the one named."""
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        by = cast("User", request.user)
        made = services.request_deployment(workflow, target=_target(request), by=by)
    except WorkflowVersion.DoesNotExist:
        messages.error(request, f"{workflow} has no version to deploy: save it once, then deploy.")
    except DeployError as refusal:
        messages.error(request, f"{workflow} was not deployed. {refusal}")
    else:
        return redirect(made)
    return redirect("deployments:dashboard")


def _target(request: HttpRequest) -> Target | None:
    asked = request.POST.get("target", "")
    if not asked:
        return None
    if not asked.isdecimal():
        raise Http404("There is no such target.")
    return get_object_or_404(Target, pk=int(asked))


@require_safe
def needs_asgi(_request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """Event streams are served in front of Django; whoever gets here runs it without daphne."""
    sentence = "Event streams need the ASGI server: start the product with `make run`.\n"
    return HttpResponse(sentence, status=501, content_type="text/plain; charset=utf-8")
