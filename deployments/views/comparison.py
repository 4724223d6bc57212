"""The page that compares two versions of a workflow, its draft, or what is live on a target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments.presentation.compared_sides import DRAFT, VIEW_WORKFLOW, Side, choices, side_of
from deployments.views.versions import VIEW_VERSIONS
from web.decorators import HttpRequest, staff_with
from web.rendering import page
from workflows.documents.comparison.comparison import Comparison, compare
from workflows.documents.comparison.lines import compare_lines
from workflows.documents.comparison.marks import pictures
from workflows.models import Workflow

_MAX_OPEN: Final = 30
"""How many changes are shown unfolded."""

Context = dict[str, Any]


@require_safe
@staff_with(VIEW_VERSIONS)
def comparison(request: HttpRequest, pk: str, slug: str = "changes") -> HttpResponse:
    """Show what differs between the sides `from` and `to`, as a list, in pictures, or as TypeScript."""
    workflow = get_object_or_404(Workflow, pk=pk)
    first, second = _keys(request, workflow)
    before, after = (side_of(workflow, key, request.user) for key in (first, second))
    has_files = bool(before.content.files or after.content.files)
    views = _VIEWS_OF_PROJECT if has_files else _VIEWS
    if slug not in views:
        raise Http404("There is no such part of a comparison.")
    found = compare(before.content, after.content)
    query = urlencode({"from": first, "to": second})
    _, load = views[slug]
    context = {
        "workflow": workflow,
        "before": before,
        "after": after,
        "comparison": found,
        "choices": choices(workflow, request.user),
        "views": [(each, label) for each, (label, _) in views.items()],
        "slug": slug,
        "query": query,
        "swapped": urlencode({"from": second, "to": first}),
        **load(before, after, found, f"{_address(workflow)}?{query}"),
    }
    return page(request, "deployments/versions/comparison", context)


def _address(workflow: Workflow) -> str:
    return reverse("deployments:comparison", args=[workflow.pk])


def _keys(request: HttpRequest, workflow: Workflow) -> tuple[str, str]:
    """Return the keys of both sides; by default, the newest version and the draft."""
    newest = workflow.versions.order_by("-number").values_list("number", flat=True).first()
    if newest is None:
        raise Http404("The workflow has no version to compare.")
    last = DRAFT if request.user.has_perm(VIEW_WORKFLOW) else f"v{newest}"
    return request.GET.get("from") or f"v{newest}", request.GET.get("to") or last


def _changes(_before: Side, _after: Side, found: Comparison, _address: str) -> Context:
    count = len(found.nodes) + len(found.parts) + len(found.files)
    return {"is_open": count <= _MAX_OPEN}


def _pictures(before: Side, after: Side, found: Comparison, address: str) -> Context:
    drawn = pictures(before.content, after.content, found, base=f"{address}#change-")
    return {"drawn": list(zip((before, after), drawn, strict=True))}


def _typescript(before: Side, after: Side, _found: Comparison, _address: str) -> Context:
    missing = [side for side in (before, after) if side.source is None]
    if missing:
        return {"missing": missing}
    return {"diff": compare_lines(before.source or "", after.source or "")}


_Views = Mapping[str, tuple[str, Callable[[Side, Side, Comparison, str], Context]]]
_VIEWS: Final[_Views] = {
    "changes": ("Changes", _changes),
    "picture": ("Pictures", _pictures),
    "typescript": ("TypeScript", _typescript),
}
_VIEWS_OF_PROJECT: Final[_Views] = {"changes": ("Changes", _changes)}
