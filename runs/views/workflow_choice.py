"""The workflow in the address of a page: its id, or text that someone typed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect

from web.decorators import HttpRequest
from web.rendering import page
from workflows.models import Workflow
from workflows.picker.matching import MAX_MATCHES, resolve


def chosen_workflow(request: HttpRequest) -> Workflow | HttpResponse | None:
    """Return the workflow, or a response that leads to one if the address has a text; None for neither."""
    text = request.GET.get("workflow", "").strip()
    if not text:
        return None
    found = resolve(text)
    if len(found) != 1:
        return _choose(request, text, found)
    return found[0] if found[0].pk == text else redirect(_address(request, found[0]))


def _choose(request: HttpRequest, text: str, found: list[Workflow]) -> HttpResponse:
    context = {
        "text": text,
        "choices": [(workflow, _address(request, workflow)) for workflow in found],
        "has_more": len(found) == MAX_MATCHES,
    }
    response = page(request, "runs/which_workflow", context)
    response.status_code = 200 if found else 404
    return response


def _address(request: HttpRequest, workflow: Workflow) -> str:
    """Return the address of the same page for the workflow."""
    query = request.GET.copy()
    query["workflow"] = workflow.pk
    return f"{request.path}?{query.urlencode()}"
