"""One action on all runs of a list: counted and confirmed, then its progress."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from audit.trail import Actor
from runs import presentation
from runs.bulk import bulk_change
from runs.index.listing import Filters
from runs.models import BulkChange
from runs.permissions import CONTROL, VIEW
from runs.services import control
from runs.views.runs import form_page, page
from targets.cloudflare.errors import DeployError
from web.decorators import HttpRequest, staff_with
from workflows.models import Workflow


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CONTROL)
def confirm(request: HttpRequest) -> HttpResponse:
    """Show how many runs would change and what would be lost, or enqueue the confirmed change."""
    data = request.POST if request.method == "POST" else request.GET
    action = data.get("action", "")
    if action not in control.ACTIONS:
        raise Http404("There is no such action.")
    filters = Filters.of(data)
    if request.method != "POST":
        return form_page(request, "runs/bulk/confirm", _confirmation(filters, action))
    reason = request.POST.get("reason", "").strip()
    token, rollback = request.POST.get("confirmed", ""), bool(request.POST.get("rollback"))
    try:
        change = bulk_change.enqueue(
            token, by=Actor.of(request.user), reason=reason, rollback=rollback
        )
    except DeployError as error:
        context = _confirmation(filters, action) | {"refusal": str(error), "reason": reason}
        context["rollback"] = rollback
        return form_page(request, "runs/bulk/confirm", context)
    messages.info(
        request,
        f"{change.total:,} run{pluralize(change.total)} queued. You can close this page.",
    )
    return redirect(change)


def _confirmation(filters: Filters, action: str) -> dict[str, Any]:
    context = {
        "action": action,
        "word": presentation.ACTION_LABELS[action],
        "most": bulk_change.MAX_RUNS,
        "filters": filters,
        **_filter_context(filters),
    }
    try:
        matching = bulk_change.matching_runs(action, filters)
    except DeployError as error:
        return context | {"refusal": str(error), "count": 0, "is_unread": True}
    token = bulk_change.sign(action, filters, matching.ids)
    count, left_out = len(matching.ids), matching.left_out
    return context | {"count": count, "left_out": left_out, "confirmed": token}


def _filter_context(filters: Filters) -> dict[str, Any]:
    name = Workflow.objects.filter(pk=filters.workflow).values_list("name", flat=True).first()
    return {
        "words": presentation.filter_words(filters, name or filters.workflow),
        "back": f"{reverse('runs:list')}?{filters.query()}",
    }


@require_safe
@staff_with(VIEW)
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress and the result of a bulk change."""
    change = get_object_or_404(BulkChange, pk=pk)
    filters = Filters.of(dict(parse_qsl(change.query)))
    result = presentation.bulk_result(change.action, done=change.done, existing=change.existing)
    context = {
        "change": change,
        "word": presentation.ACTION_LABELS.get(change.action, change.action),
        "percent": 100 * change.processed // max(change.total, 1),
        "result": result,
        **_filter_context(filters),
    }
    return page(request, "runs/bulk/progress", context)
