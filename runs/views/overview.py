"""The overview of runs, and the Workflows on the targets."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from runs.index.lag import index_lag
from runs.overview import queries
from runs.overview.figures import RANGES, boundaries, combine, find_range
from runs.overview.presentation import Presenter
from runs.overview.workflow_list import list_workflows
from runs.permissions import VIEW
from runs.views.runs import page as runs_page
from runs.views.runs import sync_problems
from runs.views.workflow_choice import chosen_workflow
from targets.models import Target
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.picker.matching import label_of


@require_safe
@staff_with(VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """The figures, charts and slowest steps of many runs."""
    span, workflow = find_range(request.GET.get("hours", "")), chosen_workflow(request)
    if isinstance(workflow, HttpResponse):
        return workflow
    chosen = workflow.pk if workflow else ""
    bounds = boundaries(span, timezone.now(), timezone.get_current_timezone())
    parts, every = queries.figures_per_part(chosen, bounds)
    steps = queries.step_statistics(chosen, bounds[0], bounds[-1])
    whole, presenter = combine(parts), Presenter(chosen, span)
    rows = [presenter.row(part) for part in parts]
    context = {
        "workflow": workflow,
        "workflow_label": label_of(workflow) if workflow else "",
        "span": span,
        "ranges": RANGES,
        "whole": whole,
        "cards": presenter.cards(whole),
        "rows": rows[::-1],
        "charts": presenter.charts(rows),
        "axis": [presenter.moment(bounds[at]) for at in (0, len(parts) // 2)],
        "every": every,
        "sync_problems": sync_problems(),
        "lag": index_lag(chosen),
        "steps": steps,
        "slowest": presenter.steps(steps.slowest, steps.since),
        "retried": presenter.steps(steps.most_retried, steps.since),
    }
    return runs_page(request, "runs/overview/overview", context)


@require_safe
@staff_with(VIEW)
def workflows(request: HttpRequest) -> HttpResponse:
    """All Workflows on the targets."""
    context = {"targets": list_workflows(Target.objects.all())}
    return page(request, "runs/overview/workflows", context)
