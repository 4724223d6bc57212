"""The pages of the documentation, its search, and the button that uses an example."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_POST, require_safe

from audit.trail import Actor
from web.decorators import HttpRequest, staff_with
from workflows import services
from workflows.documentation import examples
from workflows.documentation.markdown import CodeBlock, html, parsed
from workflows.documentation.pages import INDEX, Page, contents, neighbors, pages
from workflows.documentation.places import url_of
from workflows.documentation.search import MAX_QUERY, Result, search
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEW: Final = "workflows.view_workflow"
CHANGE: Final = "workflows.change_workflow"
ADD: Final = "workflows.add_workflow"
_MAX_LISTED: Final = 30  # workflows to which an example can be added


@require_safe
@staff_with(VIEW)
def page(request: HttpRequest, address: str = INDEX) -> HttpResponse:
    """Show a page; `workflow` is the workflow to which examples are added unless another one is chosen."""
    found = pages().get(address)
    if found is None:
        raise Http404(address)
    before, after = neighbors(address)
    context = {
        **_frame(address),
        "title": found.title,
        "page": found,
        "html": _html(request, found),
        "headings": [each for each in parsed(found).headings if each.level in (2, 3)],
        "before": before,
        "after": after,
    }
    return render(request, "workflows/documentation/page.html", context)


def _frame(address: str) -> dict[str, Any]:
    return {"contents": contents(), "address": address, "max_query": MAX_QUERY}


def _html(request: HttpRequest, found: Page) -> SafeString:
    body = html(
        found,
        address_of=lambda address: url_of(f"{address}.md"),
        block_html=partial(_block, request, found, _choices(request, found)),
    )
    return mark_safe(body)  # noqa: S308 - a file of the project


def _choices(request: HttpRequest, found: Page) -> dict[str, Any]:
    """Return what the forms of the page's examples offer."""
    user = cast("User", request.user)
    if not parsed(found).documents:
        return {}
    may_change = user.has_perm(CHANGE)
    workflows = Workflow.objects.filter(archived_at=None).order_by("-updated_at").only("pk", "name")
    return {
        "may_create": user.has_perm(ADD),
        "workflows": list(workflows[:_MAX_LISTED]) if may_change else [],
        "chosen": request.GET.get("workflow", ""),
    }


def _block(request: HttpRequest, found: Page, choices: dict[str, Any], block: CodeBlock) -> str:
    context = {"block": block, "page": found, "id": f"code-{block.at}", **choices}
    return render_to_string("workflows/documentation/_code.html", context, request)


@require_safe
@staff_with(VIEW)
def results(request: HttpRequest) -> HttpResponse:
    """Show the passages that contain the words of `q`."""
    query = request.GET.get("q", "").strip()[:MAX_QUERY]
    context = {
        **_frame(""),
        "title": f"Search: {query}" if query else "Search the documentation",
        "query": query,
        "results": [(result, _excerpt(result)) for result in search(query)],
    }
    return render(request, "workflows/documentation/results.html", context)


def _excerpt(result: Result) -> SafeString:
    parts = (("mark" if part.is_match else "span", part.text) for part in result.excerpts)
    return format_html_join("", "<{0}>{1}</{0}>", parts)


@require_POST
@staff_with(CHANGE, ADD)
def use_example(request: HttpRequest, address: str) -> HttpResponse:
    """Add an example of a page to the end of a draft, or create a workflow from it, and open the editor."""
    example = examples.example(address, request.POST.get("example", ""))
    if example is None or example.document is None:
        raise Http404(address)
    by, pk = cast("User", request.user), request.POST.get("workflow", "")
    if not by.has_perm(CHANGE if pk else ADD):
        raise PermissionDenied(CHANGE if pk else ADD)
    try:
        if pk:
            workflow = get_object_or_404(Workflow, pk=pk)
            node = examples.add_to_draft(workflow, example.document, by=by)
            return redirect(f"{workflow.get_absolute_url()}?node={node}")
        document = examples.named(example.document, request.POST.get("name", ""))
        workflow = services.import_document(
            document,
            entry_code=example.entry_code,
            tests=example.tests,
            by=Actor.of(by),
        )
    except (Refused, NotEditable, InvalidIR, InvalidTests) as error:
        messages.error(request, f"The example was not added. {error}")
        return redirect("documentation:page", address)
    return redirect(workflow.get_absolute_url())
