"""Restoring a version: immediately if nothing can be lost, otherwise after a confirmation."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from deployments.presentation.compared_sides import draft_side, version_side
from deployments.views.versions import CHANGE_WORKFLOW, found_version
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows import versions as services
from workflows.documents.comparison.comparison import compare
from workflows.drafts import ChangedMeanwhile, problem_sentence
from workflows.editing.document.refusals import Refused
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import WorkflowVersion
from workflows.services import save_version

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CHANGE_WORKFLOW)
def restore(request: HttpRequest, pk: str, number: int) -> HttpResponse:
    """Make the draft equal to the version, or ask first if the draft has edits that are not in any version.

    With `save_first`, the draft is saved as a version before. `revision` is that of the draft whose
    loss was confirmed.
    """
    version = found_version(pk, number)
    if request.method != "POST":
        return _confirmation(request, version)
    if "save_first" in request.POST:
        return _save_and_restore(request, version)
    workflow = version.workflow
    is_confirmed = request.POST.get("revision") == str(workflow.draft_revision)
    if not is_confirmed and not services.is_in_a_version(workflow):
        return _confirmation(request, version)
    return _restore(request, version)


def _save_and_restore(request: HttpRequest, version: WorkflowVersion) -> HttpResponse:
    workflow, note = version.workflow, f"Saved before v{version.number} was restored"
    try:
        saved = save_version(workflow, by=cast("User", request.user), note=note)
    except (InvalidIR, InvalidSettings) as invalid:
        reason = problem_sentence(workflow, invalid.problems[0])
        messages.error(request, f"Nothing was saved or restored. {reason}")
        return _confirmation(request, version)
    messages.success(request, f"Saved as v{saved.number}.")
    return _restore(request, version)


def _restore(request: HttpRequest, version: WorkflowVersion) -> HttpResponse:
    revision, by = version.workflow.draft_revision, cast("User", request.user)
    try:
        is_changed = services.restore(version, revision=revision, by=by)
    except ChangedMeanwhile as conflict:
        messages.error(request, f"Nothing was restored. {conflict}")
        return _confirmation(request, found_version(version.workflow_id, version.number))
    except Refused as refused:
        messages.error(request, f"Nothing was restored. {refused}")
        return redirect(reverse("deployments:version", args=[version.workflow_id, version.number]))
    if is_changed:
        messages.success(
            request, f"The draft is now the same as v{version.number}. Undo reverts this."
        )
    else:
        messages.info(request, f"The draft is already the same as v{version.number}.")
    return redirect(version.workflow.get_absolute_url())


def _confirmation(request: HttpRequest, version: WorkflowVersion) -> HttpResponse:
    """Ask, and show the edits that are not in any version and what the draft would become."""
    workflow = version.workflow
    newest = workflow.versions.latest("number")
    draft = draft_side(workflow).content
    is_unsaved = not services.is_in_a_version(workflow)
    context = {
        "workflow": workflow,
        "version": version,
        "newest": newest,
        "next": newest.number + 1,
        "edits": compare(version_side(newest).content, draft) if is_unsaved else None,
        "comparison": compare(draft, version_side(version).content),
        "can_be_undone": workflow.is_project or draft.draft is not None,
    }
    return page(request, "deployments/versions/restore", context)
