"""The document of a workflow's draft as editable text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from deployments.draft.code import DOCUMENT, PARTS
from deployments.views import workflow_pages
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows import drafts
from workflows.document_text import (
    LocatedProblem,
    Unreadable,
    document_text,
    located,
    read_document_text,
)
from workflows.draft_problems import draft_problems
from workflows.drafts import ChangedMeanwhile
from workflows.editing.document.refusals import Refused
from workflows.ir.document.kinds import PROJECT
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEW_WORKFLOW: Final = "workflows.view_workflow"
CHANGE_WORKFLOW: Final = "workflows.change_workflow"
_DIGITS: Final = 10
_NOT_SAVED: Final = "Nothing was saved. Your text is below: fix its problems, then save it again."


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(VIEW_WORKFLOW)
def document(request: HttpRequest, pk: str) -> HttpResponse:
    """Show the document as text, or replace it; users who cannot change it can read it."""
    if Workflow.objects.filter(pk=pk, ir__kind=PROJECT).exists():
        raise Http404("A project has files instead of a document.")
    if request.method == "POST":
        return _save(request, pk)
    if "download" in request.GET or not request.user.has_perm(CHANGE_WORKFLOW):
        return workflow_pages.code(request, pk, DOCUMENT)
    workflow = get_object_or_404(Workflow, pk=pk)
    text = document_text(workflow.ir)
    problems = located(text, draft_problems(workflow))
    return _shown(request, workflow, text, problems=problems)


@staff_with(CHANGE_WORKFLOW)
def _save(request: HttpRequest, pk: str) -> HttpResponse:
    """Replace the document; show the text again if it is invalid, or if someone else was faster."""
    workflow = get_object_or_404(Workflow, pk=pk)
    text, posted = request.POST.get("text", ""), request.POST.get("revision", "")
    is_number = len(posted) < _DIGITS and posted.isascii() and posted.isdigit()
    revision = int(posted) if is_number else 0
    try:
        operation = {"type": "replace_document", "document": read_document_text(text)}
        drafts.change_draft(pk, operation, revision=revision, by=cast("User", request.user))
    except Unreadable as unreadable:
        return _shown(
            request,
            workflow,
            text,
            problems=unreadable.problems,
            revision=revision,
            reason=_NOT_SAVED,
        )
    except Refused as refused:
        return _shown(request, workflow, text, revision=revision, reason=str(refused))
    except ChangedMeanwhile as conflict:
        workflow.refresh_from_db()
        theirs = document_text(workflow.ir)
        return _shown(request, workflow, text, reason=str(conflict), theirs=theirs)
    messages.success(request, "The document was saved.")
    return redirect(reverse("deployments:workflow_document", args=[pk]))


def _shown(
    request: HttpRequest,
    workflow: Workflow,
    text: str,
    *,
    problems: list[LocatedProblem] | None = None,
    revision: int | None = None,
    reason: str = "",
    theirs: str = "",
) -> HttpResponse:
    context: dict[str, Any] = {
        "workflow": workflow,
        "parts": PARTS,
        "part": workflow_pages.part_named(workflow, DOCUMENT),
        "text": text,
        "revision": workflow.draft_revision if revision is None else revision,
        "problems": problems or [],
        "has_errors": any(each.problem.is_error for each in problems or []),
        "reason": reason,
        "theirs": theirs,
    }
    return page(request, "deployments/workflow/document", context)
