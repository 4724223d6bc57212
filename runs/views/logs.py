"""The live logs page of a Worker; the lines come through a WebSocket."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments.history import records
from runs.logs.log_lines import LEVELS
from runs.permissions import TRIGGER, VIEW
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.models import Workflow


@require_safe
@staff_with(VIEW)
def logs(request: HttpRequest, workflow: str) -> HttpResponse:
    """The page of live logs of a workflow."""
    found = get_object_or_404(Workflow.objects.only("name"), pk=workflow)
    context = {
        "workflow": found,
        "live": records.live(found.pk),
        "levels": LEVELS,
        "may_start": request.user.has_perm(TRIGGER),
        "address": reverse("runs:logs_socket", args=[found.pk]),
    }
    return page(request, "runs/logs", context)
