"""The suggestions of fields that choose a workflow."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from web.decorators import HttpRequest, staff_with
from workflows.picker.matching import MAX_MATCHES, label_of, matching


@require_safe
@staff_with("workflows.view_workflow")
def options(request: HttpRequest) -> HttpResponse:
    """Return options for the only parameter, whose name is that of the field."""
    text = str(next(iter(request.GET.values()), "")).strip()
    labels = [label_of(workflow) for workflow in matching(text)[:MAX_MATCHES]]
    return render(request, "workflows/picker/_options.html", {"labels": labels})
