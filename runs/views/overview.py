"""The pages that show many runs at once: their figures, and the Workflows that targets have."""

from __future__ import annotations

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from runs.overview import queries
from runs.overview.figures import RANGES, edges, range_of, together
from runs.overview.presentation import Presenter
from runs.overview.workflow_list import places
from runs.permissions import VIEW
from runs.views.runs import page as runs_page
from targets.models import Target
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.models import Workflow


@require_safe
@never_cache
@staff_with(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    span, workflow = range_of(request.GET.get("hours", "")), _workflow(request)
    chosen = workflow.pk if workflow else ""
    lines = edges(span, timezone.now(), timezone.get_current_timezone())
    parts, every = queries.parts(chosen, lines)
    steps = queries.steps(chosen, lines[0], lines[-1])
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
    return runs_page(request, "runs/overview/overview", context)


@require_safe
@never_cache
@staff_with(VIEW)
def workflows(request: HttpRequest) -> HttpResponse:
    context = {"places": places(Target.objects.all())}
    return page(request, "runs/overview/workflows", context)


def _workflow(request: HttpRequest) -> Workflow | None:
    """Return the workflow of the address, None where it names none."""
    asked = request.GET.get("workflow", "")
    found = Workflow.objects.filter(pk=asked).first() if asked else None
    if asked and found is None:
        raise Http404("There is no such workflow.")
    return found
