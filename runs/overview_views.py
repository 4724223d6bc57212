"""The pages that show many runs at once: their figures, and the Workflows that targets have."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from deployments.access import HttpRequest, staff_with
from deployments.models import Target
from deployments.pages import page
from runs import overview_figures
from runs.overview import RANGES, edges, range_of, together
from runs.overview_presentation import Presenter
from runs.permissions import VIEW
from runs.views import page as runs_page
from runs.workflows_page import places
from workflows.models import Workflow


@require_safe
@never_cache
@staff_with(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    span, workflow = range_of(request.GET.get("hours", "")), _workflow(request)
    chosen = workflow.pk if workflow else ""
    lines = edges(span, timezone.now(), timezone.get_current_timezone())
    parts, every = overview_figures.parts(chosen, lines)
    steps = overview_figures.steps(chosen, lines[0], lines[-1])
    whole, say = together(parts), Presenter(chosen, span)
    rows = [say.row(part) for part in parts]
    context = {
        "workflow": workflow,
        "workflows": Workflow.objects.only("pk", "name").order_by("name"),
        "span": span,
        "ranges": RANGES,
        "whole": whole,
        "cards": say.cards(whole),
        "rows": rows[::-1],
        "charts": say.charts(rows),
        "axis": [say.moment(lines[at]) for at in (0, len(parts) // 2)],
        "every": every,
        "steps": steps,
        "slowest": say.steps(steps.slowest, steps),
        "retried": say.steps(steps.most_retried, steps),
    }
    return runs_page(request, "overview", context)


@require_safe
@never_cache
@staff_with(VIEW)
def workflows(request: HttpRequest) -> HttpResponse:
    context = {"places": places(Target.objects.all())}
    return page(request, "workflows", context, app="runs")


def _workflow(request: HttpRequest) -> Workflow | None:
    """Return the workflow of the address, None where it names none."""
    asked = request.GET.get("workflow", "")
    found = Workflow.objects.filter(pk=asked).first() if asked else None
    if asked and found is None:
        raise Http404("There is no such workflow.")
    return found
