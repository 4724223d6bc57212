"""The tests of a workflow: the list, running them, their results, and changing them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.trail import Actor
from runs.models import Run, TestResult
from runs.permissions import CHANGE
from runs.permissions import VIEW as VIEW_RUNS
from runs.saved_tests import from_runs, services
from runs.saved_tests.execution import (
    KEPT_RESULTS,
    known_results,
    run_all,
    saved_tests,
    states_of,
    without_later_secrets,
)
from runs.services.control import Refused
from runs.services.payloads import pretty
from runs.test_runs.draft_request import Runnable
from runs.test_runs.panel import PARAMETER, own_runs
from runs.test_runs.services import NotTestable, check_not_project
from targets.cloudflare.errors import DeployError
from web.converters import optional_key
from web.decorators import HttpRequest, staff_with
from web.kept_input import keep_input
from web.rendering import page
from workflows.documents.saved_tests.model import SavedTest
from workflows.documents.saved_tests.reading import InvalidTests
from workflows.ir.reading import json_reader
from workflows.masked_values import masked_values
from workflows.models import Workflow, WorkflowVersion
from workflows.nodes.documents import parse
from workflows.nodes.library.registry import registry
from workflows.picture.drawing import Picture, picture_of
from workflows.picture.drawing import render as draw

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEW: Final = "workflows.view_workflow"
_MAX_DEFAULT_NAME: Final = 60  # characters
_GONE: Final = f"This result is no longer stored, only the last {KEPT_RESULTS} of each test are."
_SAVED: Final = "awaitstep_saved_test"
"""The key in the session of a test that was just saved: the list runs it."""
_HIDDEN: Final = (
    "{node} is sensitive, so its output in the run is not known: edit the test, and replace the output in "
    "its pin with an invented one."
)
_NEW: Final = {
    "name": "A name that says what must be true",
    "payload": {},
    "pins": {},
    "requests": [],
    "expect": {"status": "complete"},
}

Context = dict[str, Any]


@require_safe
@staff_with(VIEW)
def tests(request: HttpRequest, workflow: str) -> HttpResponse:
    """List the tests of the draft, or of a version, with their newest results."""
    context = _list_context(request, workflow)
    if request.method == "GET":
        _start_saved(request, context)
    return page(request, "runs/saved_tests/tests", context)


def _start_saved(request: HttpRequest, context: Context) -> None:
    """Let the row of a test that was just saved ask for its first result."""
    saved = request.session.pop(_SAVED, None)
    if saved and saved["workflow"] == context["workflow"].pk and context["may_change"]:
        for row in context["rows"]:
            if row["test"].name == saved["name"] and not row["result"]:
                row |= {"is_starting": True, "learns": saved["learns"]}


def _list_context(request: HttpRequest, workflow: str) -> Context:
    found = get_object_or_404(Workflow, pk=workflow)
    number, runnable = _runnable(request, found)
    context: Context = {
        "workflow": found,
        "number": number,
        "may_change": request.user.has_perm(CHANGE)
        and not found.is_archived
        and not found.is_project,
        "rows": [],
    }
    try:
        check_not_project(runnable.kind)
        saved = saved_tests(runnable)
        results = known_results(runnable, by=Actor.of(request.user))
        context["rows"] = [_row(test, results.get(name)) for name, test in saved.items()]
    except InvalidTests as invalid:
        context["problems"] = [str(problem) for problem in invalid.problems]
    except NotTestable as refused:
        context["not_testable"] = str(refused)
    except DeployError as error:
        context["problems"] = [str(error)]
    return context


def _row(test: SavedTest, result: TestResult | None, *, error: str = "") -> Context:
    return {"test": test, "result": result, "error": error}


def _runnable(request: HttpRequest, workflow: Workflow) -> tuple[int | None, Runnable]:
    """Return the version that the request names, or the draft."""
    number = optional_key(request.GET.get("version", "") or request.POST.get("version", ""))
    try:
        return number, Runnable.numbered(workflow, number)
    except WorkflowVersion.DoesNotExist:
        raise Http404("The workflow has no such version.") from None


def _address(workflow: Workflow, number: int | None = None) -> str:
    query = f"?version={number}" if number else ""
    return reverse("saved_tests:list", args=[workflow.pk]) + query


@require_POST
@staff_with(CHANGE)
def run(request: HttpRequest, workflow: str) -> HttpResponse:
    """Run the test with the name `test`, or with `all` every test.

    A page with scripts gets the rows of all tests first, which then ask for one after the other.
    """
    name = request.POST.get("test", "")
    if not name and "all" not in request.POST:
        return HttpResponseBadRequest("Send the name of a test, or all=1.")
    if request.htmx and not name:
        context = _list_context(request, workflow)
        for row in context["rows"]:
            row |= {"is_starting": True, "is_queued": True}
        return render(request, "runs/saved_tests/_rows.html", context)
    found = get_object_or_404(Workflow, pk=workflow)
    number, runnable = _runnable(request, found)
    try:
        check_not_project(runnable.kind)
    except NotTestable as refused:
        messages.error(request, str(refused))
        return redirect(_address(found, number))
    tests = _chosen(runnable, name)
    is_first = "learns" in request.POST and number is None and len(tests) == 1
    rows = [_first(request, found, tests[0])] if is_first else _tried(request, runnable, tests)
    if request.htmx:
        context = {"workflow": found, "number": number, "may_change": True}
        return render(request, "runs/saved_tests/_row.html", {**context, "row": rows[0]})
    _tell(request, rows)
    return redirect(_address(found, number))


def _chosen(runnable: Runnable, name: str) -> list[SavedTest]:
    """Return the test with a name, or all; raises Http404 if there is none."""
    try:
        saved = saved_tests(runnable)
    except InvalidTests:
        saved = {}
    if name and name not in saved:
        raise Http404("There is no such test.")
    return [saved[name]] if name else list(saved.values())


def _tried(request: HttpRequest, runnable: Runnable, tests: list[SavedTest]) -> list[Context]:
    """Run tests until one cannot run, and return a row for each of them."""
    rows: list[Context] = []
    try:
        for result in run_all(runnable, tests, by=Actor.of(request.user)):
            rows.append(_row(tests[len(rows)], result))
    except DeployError as error:
        rows += [_row(test, None, error=str(error)) for test in tests[len(rows) :]]
    return rows


def _first(request: HttpRequest, draft: Workflow, test: SavedTest) -> Context:
    """Run a test that was made from a run for the first time; it may learn from that run."""
    runnable, by = Runnable.draft(draft), cast("User", request.user)
    if known_results(runnable, by=Actor.of(by))[test.name]:
        return _tried(request, runnable, [test])[0]
    try:
        return _row(test, from_runs.first_run(draft, test.name, by=by))
    except DeployError as error:
        return _row(test, None, error=str(error))


def _tell(request: HttpRequest, rows: list[Context]) -> None:
    """Show a message with how many tests passed, and why others could not run."""
    for error in dict.fromkeys(row["error"] for row in rows if row["error"]):
        messages.error(request, error)
    results = [row["result"] for row in rows if row["result"]]
    passed = sum(result.passed for result in results)
    if results and passed == len(results):
        messages.success(request, "The test passed." if passed == 1 else f"{passed} tests passed.")
    elif results:
        messages.error(request, f"{passed} passed, {len(results) - passed} failed.")


@require_safe
@staff_with(VIEW)
def result(request: HttpRequest, workflow: str, pk: int) -> HttpResponse:
    """Show what differs in a result, as a list and in the picture."""
    found = _results(workflow).filter(pk=pk).first()
    if found is None:
        draft = get_object_or_404(Workflow, pk=workflow)
        messages.info(request, _GONE)
        return redirect(_address(draft))
    found = without_later_secrets(found, masked_values(workflow))
    names = {test["name"] for test in found.workflow.tests if isinstance(test, dict)}
    context = {
        "workflow": found.workflow,
        "result": found,
        "drawn": _picture(found),
        "actual": pretty(found.actual) if found.actual else "",
        "may_accept": bool(found.actual)
        and not found.passed
        and found.name in names
        and request.user.has_perm(CHANGE),
        "is_current": found.ir == found.workflow.ir,
        "edit_url": _edit_url(found.workflow, found.name) if found.name in names else "",
    }
    return page(request, "runs/saved_tests/result", context)


def _results(workflow: str) -> QuerySet[TestResult]:
    return TestResult.objects.filter(workflow=workflow).select_related("workflow")


def _picture(found: TestResult) -> Picture:
    types = registry(found.node_types)
    ir = parse(found.ir, types).ir
    return draw(ir, states_of(found)) if ir and found.states else picture_of(found.ir, types)


def _edit_url(workflow: Workflow, name: str) -> str:
    return f"{reverse('saved_tests:edit', args=[workflow.pk])}?{urlencode({'test': name})}"


@require_http_methods(["GET", "HEAD", "POST"])
@staff_with(CHANGE)
def edit(request: HttpRequest, workflow: str) -> HttpResponse:
    """Add a test to the draft, or change one, as JSON."""
    found = get_object_or_404(Workflow, pk=workflow)
    name = request.GET.get("test", "")
    stored = next((test for test in found.tests if test.get("name") == name), None)
    if found.is_project and request.method != "POST":
        return redirect(_address(found))
    if name and stored is None and request.method != "POST":
        raise Http404("There is no such test.")
    current = services.fingerprint(stored) if stored else ""
    text, before = request.POST.get("text", pretty(stored or _NEW)), request.POST.get("before", "")
    context: Context = {"workflow": found, "name": name, "text": text, "before": current}
    if request.method == "POST":
        try:
            saved = services.save_test(
                found, _read(text), replaces=name, before=before, by=cast("User", request.user)
            )
        except Refused as refused:
            context["problems"] = str(refused).splitlines()
            context["theirs"] = pretty(stored) if before not in ("", current) and stored else ""
        else:
            messages.success(request, f"The test “{saved}” was saved.")
            return redirect(_address(found))
    return page(request, "runs/saved_tests/edit", context)


def _read(text: str) -> Any:
    try:
        return json_reader.loads(text)
    except json.JSONDecodeError as error:
        raise Refused(
            f"This is not JSON: look at line {error.lineno}, column {error.colno}."
        ) from None
    except (ValueError, RecursionError) as error:
        raise Refused(f"This is not JSON: {error}.") from None


@require_POST
@staff_with(CHANGE)
def delete(request: HttpRequest, workflow: str) -> HttpResponse:
    """Delete a test of the draft."""
    found = get_object_or_404(Workflow, pk=workflow)
    name = request.POST.get("test", "")
    try:
        services.delete_test(found, name, by=cast("User", request.user))
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(
            request, f"The test “{name}” was deleted. You can undo this in the editor."
        )
    return redirect(_address(found))


@require_POST
@staff_with(CHANGE)
def accept(request: HttpRequest, workflow: str, pk: int) -> HttpResponse:
    """Make a test expect what happened in a result."""
    found = get_object_or_404(_results(workflow), pk=pk)
    found = without_later_secrets(found, masked_values(workflow))
    try:
        services.accept(found.workflow, found, by=cast("User", request.user))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect("saved_tests:result", workflow, pk)
    messages.success(request, f"The test “{found.name}” now expects what happened.")
    return redirect(_address(found.workflow))


@require_POST
@staff_with(CHANGE)
def save_test_run(request: HttpRequest, workflow: str) -> HttpResponse:
    """Save the user's newest test run of the draft as a test."""
    draft = get_object_or_404(Workflow, pk=workflow)
    newest, by = own_runs(request, draft).first(), cast("User", request.user)
    try:
        if newest is None:
            raise Refused("Run the draft first, then save that run as a test.")
        if newest.ir != draft.ir:
            raise Refused("The draft has changed since this run. Run it again, then save that run.")
        test = from_runs.from_test_run(newest, name=_free_name(request, draft), by=Actor.of(by))
        name = services.save_test(draft, test, by=by)
    except DeployError as error:
        messages.error(request, f"The test was not saved. {error}")
        keep_input(request, f"test-name {draft.pk}", {"name": request.POST.get("name", "")})
        query = urlencode({PARAMETER: newest.pk if newest else ""})
        return redirect(f"{draft.get_absolute_url()}?{query}")
    return _saved(request, draft, name, learns=True)


def _saved(request: HttpRequest, draft: Workflow, name: str, *, learns: bool) -> HttpResponse:
    """Show the list, which runs the test that was just saved."""
    messages.success(request, f"The run was saved as the test “{name}”.")
    request.session[_SAVED] = {"workflow": draft.pk, "name": name, "learns": learns}
    return redirect(_address(draft))


@require_POST
@staff_with(CHANGE)
def save_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Save a run of a deployed version as a test of the draft.

    Only for users who may view runs as well.
    """
    if not request.user.has_perm(VIEW_RUNS):
        raise PermissionDenied(VIEW_RUNS)
    source = get_object_or_404(Run.objects.select_related("workflow", "target"), pk=pk)
    draft, by = source.workflow, cast("User", request.user)
    try:
        if draft is None:
            raise Refused("The workflow of this run has been deleted.")
        test = from_runs.from_run(source, name=_free_name(request, draft, _name_of(source)))
        name = services.save_test(draft, test, by=by)
    except DeployError as error:
        messages.error(request, f"The test was not saved. {error}")
        return redirect(source)
    for node in from_runs.sensitive_pins(draft, test):
        messages.warning(request, _HIDDEN.format(node=node))
    return _saved(request, draft, name, learns=False)


def _free_name(request: HttpRequest, workflow: Workflow, default: str = "Test") -> str:
    """Return the name that was typed, or else the default, with a number if there is such a test."""
    taken = {test.get("name") for test in workflow.tests}
    typed = " ".join(request.POST.get("name", "").split())
    name, number = typed or default, 1
    while not typed and name in taken:
        number += 1
        name = f"{default} {number}"
    return name


def _name_of(run: Run) -> str:
    """Return a name that says how the run ended: "Fails: out of stock"."""
    if run.status != "errored":
        return f"Run {run.instance_id}"[:_MAX_DEFAULT_NAME]
    error = " ".join(run.error.split())
    text = error if len(error) <= _MAX_DEFAULT_NAME else f"{error[:_MAX_DEFAULT_NAME]}…"
    return f"Fails: {text}" if text.isprintable() and text else "Fails"
