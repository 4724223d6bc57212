"""The deploy dialog: the target, the checks, the plan, and the button that deploys.

Checks and plan query the target and take a moment, so the page loads them as fragments. Without
JavaScript, a link shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from deployments.history import records
from deployments.models import Deployment
from deployments.permissions import DEPLOY, MAY_PLAN
from deployments.pipeline.check_report import Check
from deployments.presentation.compared_sides import live_content, live_side, version_side
from deployments.presentation.live_workers import worker_on
from deployments.presentation.project_files import links_of_draft, links_of_version
from deployments.presentation.remediation import dialog_url
from deployments.queue.spares import prepare_next
from deployments.services import deploy as services
from deployments.services import plan as plan_service
from deployments.services import required_tests
from deployments.services.required_tests import Results, TestsFailed
from targets.cloudflare.errors import Cause, DeployError
from targets.confirmation import CONFIRMED_FIELD, confirmation_for, consent_of
from targets.lookup import NoTarget, available_targets, default_target
from targets.models import Target
from targets.policy import Consent
from web.converters import optional_key, read_key
from web.decorators import HttpRequest, staff_with
from web.kept_input import keep_input
from web.rendering import page
from workflows.documents.comparison.comparison import compare
from workflows.drafts import problem_sentence
from workflows.editing.document import refusals
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow, WorkflowVersion
from workflows.services import save_version
from workflows.versions import clean_note

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_SAVE: Final = "workflows.change_workflow"
_NO_NEW_VERSION: Final = (
    "Nothing had changed since the newest version, so there is no new version with your note."
)
_VIEW_TESTS: Final = "workflows.view_workflow"
_VIEW_VERSIONS: Final = "workflows.view_workflowversion"

Context = dict[str, Any]


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(*MAY_PLAN)
def deploy(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the dialog, or deploy the newest version to the given or default target.

    With `save_as`, the draft is saved as a version first. Staff users who can only change workflows see the code check, which queries no target.
    """
    if request.method == "POST" and not request.user.has_perm(DEPLOY):
        raise PermissionDenied(DEPLOY)
    workflow = get_object_or_404(Workflow, pk=pk)
    target = _target(request)
    if request.method == "POST" and "save_as" in request.POST:
        return _save_and_deploy(request, workflow, target)
    if request.method == "POST":
        return _deploy(request, workflow, target, version=_version(request))
    return _dialog(request, workflow, target)


def _save_and_deploy(
    request: HttpRequest, workflow: Workflow, target: Target | None
) -> HttpResponse:
    """Save the draft as the version that the button named, and deploy it."""
    if not request.user.has_perm(_SAVE):
        raise PermissionDenied(_SAVE)
    number, typed = optional_key(request.POST["save_as"]), request.POST.get("note", "")
    try:
        note = clean_note(typed)
        version = save_version(workflow, by=cast("User", request.user), note=note)
    except (refusals.Refused, InvalidIR, InvalidSettings) as refused:
        keep_input(request, f"deploy-note {workflow.pk}", {"note": typed})
        return _not_saved(request, workflow, refused)
    messages.success(request, f"Saved as v{version.number}.")
    if note and version.note != note:
        messages.warning(request, _NO_NEW_VERSION)
    return _deploy(request, workflow, target, version=number)


def _not_saved(
    request: HttpRequest,
    workflow: Workflow,
    refused: refusals.Refused | InvalidIR | InvalidSettings,
) -> HttpResponse:
    """Return to the editor, at the node with the first problem."""
    first = None if isinstance(refused, refusals.Refused) else refused.problems[0]
    reason = problem_sentence(workflow, first) if first else str(refused)
    messages.error(request, f"Nothing was saved or deployed. {reason}")
    node = first.node_id if first else ""
    query = f"?node={quote(node, safe='')}" if node else ""
    return redirect(workflow.get_absolute_url() + query)


def _deploy(
    request: HttpRequest, workflow: Workflow, target: Target | None, *, version: int | None
) -> HttpResponse:
    """Deploy, or redirect to the dialog if the target requires a confirmation first."""
    has_confirmed = CONFIRMED_FIELD in request.POST
    tests = None
    if target and not has_confirmed and not confirmation_for(target, request.user).needs_nothing:
        return redirect(dialog_url(workflow.pk, target.pk))
    try:
        by, consent = Actor.of(request.user), consent_of(request.POST)
        deployment = services.request_deployment(
            workflow, target=target, by=by, consent=consent, version=version
        )
    except WorkflowVersion.DoesNotExist:
        refusal = "The workflow has no version yet: save it, then deploy."
    except DeployError as refused:
        refusal = str(refused)
        tests = refused.results if isinstance(refused, TestsFailed) else None
    else:
        return redirect(deployment)
    return _dialog(request, workflow, target, refusal=refusal, tests=tests)


def _version(request: HttpRequest) -> int | None:
    """Return the version that the pressed button names; None if it names none."""
    return optional_key(request.POST.get("version", ""))


def _dialog(
    request: HttpRequest,
    workflow: Workflow,
    target: Target | None,
    *,
    refusal: str = "",
    tests: Results | None = None,
) -> HttpResponse:
    form = request.POST if request.method == "POST" else request.GET
    newest = _newest(workflow)
    context: Context = {
        "workflow": workflow,
        "target": target,
        "targets": list(available_targets()),
        "confirmation": confirmation_for(target, request.user) if target else None,
        "newest": newest,
        "consent": consent_of(form),
        "reason": form.get("freeze_reason", ""),
        "refusal": refusal,
        **_tested(request, workflow, tests),
        "is_shown": "show" in form,
        "may_deploy": request.user.has_perm(DEPLOY),
    }
    if not context["may_deploy"]:
        context["checks"] = [plan_service.code_check(workflow)] if newest else []
        context["file_links"] = links_of_draft(workflow)
    elif target and newest:
        prepare_next()
        if "show" in form:
            context |= _preflight(request, workflow, target)
            context |= _plan(request, workflow, target, consent_of(form))
    return page(request, "deployments/deploy_dialog/deploy_dialog", context)


@require_safe
@staff_with(DEPLOY)
def preflight(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the checks as a fragment, and the input that failed tests require."""
    workflow, target = _workflow_and_target(request, pk)
    context = _preflight(request, workflow, target) | {"consent": consent_of(request.GET)}
    context |= {"workflow": workflow, "target": target}
    context |= {"confirmation": confirmation_for(target, request.user)}
    return render(request, "deployments/deploy_dialog/_preflight.html", context)


@require_safe
@staff_with(DEPLOY)
def plan(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the plan and the Deploy button as a fragment."""
    workflow, target = _workflow_and_target(request, pk)
    context = _plan(request, workflow, target, consent_of(request.GET))
    context |= {"workflow": workflow, "target": target, "newest": _newest(workflow)}
    context |= {"confirmation": confirmation_for(target, request.user)}
    return render(request, "deployments/deploy_dialog/_plan_response.html", context)


def _newest(workflow: Workflow) -> int | None:
    return workflow.versions.values_list("number", flat=True).order_by("-number").first()


def _workflow_and_target(request: HttpRequest, pk: str) -> tuple[Workflow, Target]:
    workflow, target = get_object_or_404(Workflow, pk=pk), _target(request)
    if target is None or not workflow.versions.exists():
        raise Http404("The workflow has no version to deploy, or there is no target.")
    return workflow, target


def _preflight(request: HttpRequest, workflow: Workflow, target: Target) -> Context:
    tests = required_tests.run_required(workflow, target, by=Actor.of(request.user))
    checks = plan_service.preflight(workflow, target, tests=tests)
    return {
        "checks": checks,
        "file_links": links_of_version(workflow.newest_version),
        "was_changed": _was_changed(checks),
        **_tested(request, workflow, tests),
    }


def _tested(request: HttpRequest, workflow: Workflow, tests: Results | None) -> Context:
    """Return whether tests failed, and the links to their results that the user may open."""
    failed = tests.failed if tests and request.user.has_perm(_VIEW_TESTS) else []
    return {
        "tests_failed": tests is not None and not tests.have_passed,
        "failed_tests": [
            (test.name, reverse("saved_tests:result", args=[workflow.pk, test.result]))
            for test in failed
            if test.result
        ],
    }


def _was_changed(checks: list[Check]) -> bool:
    """Return whether someone else changed the Worker, so that a deploy must overwrite it."""
    return any(finding.cause is Cause.CHANGED for check in checks for finding in check.findings)


def _plan(request: HttpRequest, workflow: Workflow, target: Target, consent: Consent) -> Context:
    context: Context = {
        "plan": plan_service.plan(workflow, target, consent=consent),
        "file_links": links_of_version(workflow.newest_version),
    }
    live = records.live(workflow.pk, target)
    is_ours = live is not None and not worker_on(workflow, target).adopted_version
    if live and is_ours and request.user.has_perm(_VIEW_VERSIONS):
        context |= _changes_since(live, workflow)
    return context


def _changes_since(live: Deployment, workflow: Workflow) -> Context:
    """Return what differs between the live version and the newest one, and a link to all of it."""
    newest = version_side(workflow.newest_version)
    query = urlencode({"from": live_side(live).key, "to": newest.key})
    return {
        "live": live,
        "comparison": compare(live_content(live), newest.content),
        "comparison_url": f"{reverse('deployments:comparison', args=[workflow.pk])}?{query}",
    }


def _target(request: HttpRequest) -> Target | None:
    """Return the given target, or the default target if there is one."""
    form = request.POST if request.method == "POST" else request.GET
    key = form.get("target", "")
    if not key:
        return _default()
    return get_object_or_404(Target, pk=read_key(key))


def _default() -> Target | None:
    try:
        return default_target()
    except NoTarget:
        return None
