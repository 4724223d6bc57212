"""The page of a Worker's live logs; the lines themselves come by its WebSocket."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments.history import records
from runs.logs.log_lines import LEVELS
from runs.permissions import VIEW
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.models import Workflow


@require_safe
@never_cache
@staff_with(VIEW)
def logs(request: HttpRequest, workflow: str) -> HttpResponse:
    shown = get_object_or_404(Workflow.objects.only("name"), pk=workflow)
    context = {
        "workflow": shown,
        "live": records.live(shown.pk),
        "levels": LEVELS,
        "address": reverse("runs:logs_socket", args=[shown.pk]),
    }
    return page(request, "runs/logs", context)
