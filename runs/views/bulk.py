"""One action on all runs of a list: counted and asked for first, then watched."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from runs import presentation
from runs.bulk import bulk_change
from runs.index.listing import Filters
from runs.models import BulkChange
from runs.permissions import CONTROL, VIEW
from runs.services import control
from runs.views.runs import page
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from workflows.models import Workflow


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@staff_with(CONTROL)
def ask(request: HttpRequest) -> HttpResponse:
    """Say how many runs it is about and what is lost; then put it into the queue."""
    asked = request.POST if request.method == "POST" else request.GET
    action = asked.get("action", "")
    if action not in control.ACTIONS:
        raise Http404("Runs know no such action.")
    filters = Filters.of(asked)
    if request.method != "POST":
        return page(request, "runs/bulk/confirm", _asking(filters, action))
    reason = request.POST.get("reason", "").strip()
    confirmed = request.POST.get("confirmed", "")
    try:
        made = bulk_change.ask(confirmed, by=Actor.of(request.user), reason=reason)
    except DeployError as refused:
        told = {"refusal": str(refused), "reason": reason}
        return page(request, "runs/bulk/confirm", _asking(filters, action) | told)
    messages.info(
        request,
        f"{made.total:,} run{pluralize(made.total)}: it goes on also when this page is closed.",
    )
    return redirect(made)


def _asking(filters: Filters, action: str) -> dict[str, Any]:
    context = {
        "action": action,
        "word": presentation.ACTION_WORDS[action],
        "most": bulk_change.MOST,
        "filters": filters,
        **_about(filters),
    }
    try:
        found = bulk_change.found(action, filters)
    except DeployError as refused:
        return context | {"refusal": str(refused), "count": 0, "is_unread": True}
    confirmed = bulk_change.confirmation(action, filters, found.ids)
    count, left_out = len(found.ids), found.left_out
    return context | {"count": count, "left_out": left_out, "confirmed": confirmed}


def _about(filters: Filters) -> dict[str, Any]:
    name = Workflow.objects.filter(pk=filters.workflow).values_list("name", flat=True).first()
    return {
        "words": presentation.filter_words(filters, name or filters.workflow),
        "back": f"{reverse('runs:list')}?{filters.query()}",
    }


@require_safe
@never_cache
@staff_with(VIEW)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    made = get_object_or_404(BulkChange, pk=pk)
    filters = Filters.of(dict(parse_qsl(made.query)))
    context = {
        "made": made,
        "word": presentation.ACTION_WORDS.get(made.action, made.action),
        "percent": 100 * made.settled // max(made.total, 1),
        "became": presentation.became(made.action, done=made.done, there=made.there),
        **_about(filters),
    }
    return page(request, "runs/bulk/progress", context)
