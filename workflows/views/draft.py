"""Requests that change a draft, and the responses that the editor shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from web.decorators import HttpRequest, View, staff_with
from web.kept_input import keep_input
from web.rendering import page
from workflows import drafts, services
from workflows.drafts import Changed, ChangedMeanwhile
from workflows.editing import fragments
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import OpenDocument, Slot, Workbench
from workflows.editing.slots import all_slots, slots_for
from workflows.editing.structure import selected_blocks
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow
from workflows.versions import clean_note
from workflows.views.draft_requests import (
    back,
    body_of,
    conflict_answer,
    is_from_script,
    is_of_other_user,
    other_user,
    page_user,
    place_of,
    refusal,
    request_id,
    typed_fields,
    user_of,
)
from workflows.views.editor import EditorState, problems_html
from workflows.views.form_operations import as_operation
from workflows.views.problem_list import problem_list
from workflows.views.project_editor import ProjectState, changed_parts, problems_answer

VIEW: Final = "workflows.view_workflow"
CHANGE: Final = "workflows.change_workflow"
_NO_TREE: Final = "The nodes of this document are not connected in a way that can run. Edit the document as text first."


@require_POST
@staff_with(CHANGE)
def change(request: HttpRequest, pk: str) -> HttpResponse:
    """Perform an operation: `{"revision": 3, "operation": {...}}`, as JSON or as form fields.

    If the page gives the request an `id`, sending it again changes nothing the second time.
    """
    return answer(request, pk, lambda: _change(request, pk))


def _change(request: HttpRequest, pk: str) -> Changed:
    body = body_of(request)
    revision, operation = body.get("revision"), body.get("operation")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 0:
        raise Refused("The request does not contain a valid revision of the draft.")
    id_, user = request_id(request), user_of(request)
    if known := drafts.known_answer(pk, id_, by=user):
        return known
    made = as_operation(pk, operation)
    return drafts.change_draft(pk, made, revision=revision, by=user, request_id=id_)


def _step_in_history(perform: Callable[..., Changed]) -> View:
    @require_POST
    @staff_with(CHANGE)
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        by = user_of(request)
        return answer(request, pk, lambda: perform(pk, by=by, request_id=request_id(request)))

    return view


undo: Final = _step_in_history(drafts.undo)
redo: Final = _step_in_history(drafts.redo)


@require_http_methods(["GET", "POST"])
@staff_with(VIEW)
def parts(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the parts of the editor for the node `node`, or one `part`; 204 if `revision` is current.

    `folded` are the containers that are folded in the picture, `user` is the user of the page.
    """
    if is_of_other_user(request, request.GET.get("user")):
        return other_user(request)
    current = get_object_or_404(Workflow.objects.only("draft_revision"), pk=pk)
    if request.GET.get("revision") == str(current.draft_revision):
        return HttpResponse(status=204)
    workflow = get_object_or_404(Workflow, pk=pk)
    if workflow.is_project:
        return JsonResponse(_project_parts(request, workflow))
    try:
        opened = drafts.open_draft(workflow)
    except NotEditable:
        return JsonResponse({"error": _NO_TREE}, status=409)
    selected = request.GET.get("node", "")
    try:
        folded = frozenset(_ids(request, "folded"))
    except Refused as refused:
        return refusal(refused)
    state = EditorState(request, workflow, opened, selected, folded)
    only = {"panel": state.panel, "picture": state.picture}.get(request.GET.get("part", ""))
    html = {f"editor-{request.GET['part']}": only()} if only else state.parts()
    return JsonResponse(
        {
            "revision": workflow.draft_revision,
            "selected": selected,
            "parts": html,
            "by": _author(workflow),
        }
    )


def _project_parts(request: HttpRequest, workflow: Workflow) -> dict[str, Any]:
    """Return the parts of a project's page; `file` is the selected file."""
    state = ProjectState(request, workflow, request.GET.get("file", ""))
    return {
        "revision": workflow.draft_revision,
        "parts": state.parts(),
        "by": _author(workflow),
    }


def _author(workflow: Workflow) -> str:
    """Return who made the last change, and what it was."""
    last = workflow.draft_changes.defer("changes").first()
    return f"{last.by_name}: {last.summary}" if last else ""


@require_http_methods(["GET", "POST"])
@staff_with(CHANGE)
def slots(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the slots to which the nodes `node` can be moved; all slots if there is no `node`."""
    try:
        node_ids = _ids(request, "node")
        opened = _opened(pk)
        legal = (
            slots_for(opened, node_ids) if node_ids else [each.slot for each in all_slots(opened)]
        )
    except Refused as refused:
        return refusal(refused)
    return JsonResponse({"slots": [_as_json(slot) for slot in legal]})


@require_http_methods(["GET", "POST"])
@staff_with(VIEW)
def fragment(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the nodes `node` as a separate document, for the clipboard."""
    try:
        bench = Workbench(_opened(pk))
        blocks = selected_blocks(bench, _ids(request, "node"))
    except Refused as refused:
        return refusal(refused)
    if not blocks:
        return refusal(Refused("Select at least one node."))
    style = {"indent": 2, "ensure_ascii": False}
    return JsonResponse(fragments.fragment_of(bench, blocks), json_dumps_params=style)


@require_GET
@staff_with(VIEW)
def problems(request: HttpRequest, pk: str) -> HttpResponse:
    """Return all problems of the draft: as a list, by field, and the most severe problem of each node.

    Those of a project are in a list and by file.
    """
    workflow = get_object_or_404(Workflow, pk=pk)
    if workflow.is_project:
        return problems_answer(request, workflow)
    found = problem_list(workflow, may_change=user_of(request).has_perm(CHANGE))
    html = problems_html(request, found)
    return JsonResponse({"html": html, "nodes": found.nodes, "fields": found.fields})


@require_POST
@staff_with(CHANGE)
def save_version(request: HttpRequest, pk: str) -> HttpResponse:
    """Save the draft as a version, if it has no errors; then show the editor, or the page `next`.

    If nothing has changed, the `note` is offered for the newest version; if the draft is refused, the
    note stays in its form.
    """
    workflow = get_object_or_404(Workflow, pk=pk)
    typed, following = request.POST.get("note", ""), request.POST.get("next", "")
    try:
        note = clean_note(typed)
        version = services.save_version(workflow, by=user_of(request), note=note)
    except (Refused, InvalidIR, InvalidSettings) as refused:
        form = "deploy-note" if following else "save-note"
        keep_input(request, f"{form} {pk}", {"note": typed})
        return _not_saved(request, workflow, refused)
    if note and version.note != note:
        context = {"workflow": workflow, "version": version, "note": note}
        return page(request, "workflows/editor/unchanged", context)
    messages.success(request, f"Saved as v{version.number}.")
    if url_has_allowed_host_and_scheme(following, {request.get_host()}):
        return redirect(following)
    return back(request, pk, selected=place_of(request))


def _not_saved(
    request: HttpRequest, workflow: Workflow, refused: Refused | InvalidIR | InvalidSettings
) -> HttpResponse:
    """Return to the editor, at the node with the first problem."""
    place = place_of(request)
    if isinstance(refused, Refused):
        return back(request, workflow.pk, selected=place, error=str(refused))
    first = refused.problems[0]
    reason = drafts.problem_sentence(workflow, first)
    place = place if workflow.is_project else first.node_id
    return back(request, workflow.pk, selected=place, error=f"Nothing was saved. {reason}")


def _refused_form(
    request: HttpRequest, pk: str, refused: Refused | ChangedMeanwhile
) -> HttpResponse:
    """Show what was typed, so that it is not lost, or return to the editor if nothing was."""
    typed = typed_fields(request)
    if not typed:
        return back(request, pk, error=str(refused))
    context = {"workflow": get_object_or_404(Workflow, pk=pk), "error": str(refused)}
    return page(request, "workflows/editor/not_saved", context | {"typed": typed})


def _ids(request: HttpRequest, name: str) -> list[str]:
    """Return the ids in the query, or in a JSON body if there are too many for an address."""
    if request.method != "POST":
        return request.GET.getlist(name)
    ids = body_of(request).get(name)
    if not isinstance(ids, list) or not all(isinstance(id_, str) for id_ in ids):
        raise Refused(f"{name} must be a list of ids.")
    return ids


def _opened(pk: str) -> OpenDocument:
    """Return the draft; raises Refused if its nodes do not form a tree."""
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        return drafts.open_draft(workflow)
    except NotEditable:
        raise Refused(_NO_TREE) from None


def _as_json(slot: Slot) -> dict[str, Any]:
    if slot.after:
        return {"after": slot.after}
    return {"owner": slot.owner, "region": slot.region}


def answer(request: HttpRequest, pk: str, make: Callable[[], Changed]) -> HttpResponse:
    """Make a change; return the changed parts of the editor, or a redirect to its page for a form."""
    is_script = is_from_script(request)
    try:
        if is_of_other_user(request, page_user(request)):
            return other_user(request)
        changed = make()
    except Workflow.DoesNotExist:
        return JsonResponse({"error": "This workflow was deleted."}, status=404)
    except NotEditable:
        return JsonResponse({"error": _NO_TREE}, status=409)
    except ChangedMeanwhile as conflict:
        return conflict_answer(conflict) if is_script else _refused_form(request, pk, conflict)
    except Refused as refused:
        return refusal(refused) if is_script else _refused_form(request, pk, refused)
    if not is_script:
        return back(request, pk, selected=changed.selected)
    if changed.opened is None:
        return JsonResponse(changed_parts(request, changed, selected=changed.selected))
    folded = _folded(request, changed.renamed)
    state = EditorState(request, changed.workflow, changed.opened, changed.selected, folded)
    return JsonResponse(
        {
            "revision": changed.revision,
            "selected": changed.selected,
            "renamed": dict(changed.renamed),
            "summary": changed.summary,
            "parts": state.parts(),
        }
    )


def _folded(request: HttpRequest, renamed: Mapping[str, str]) -> frozenset[str]:
    """Return the containers that are folded on the page, by their current ids."""
    ids = body_of(request).get("folded")
    texts = filter(lambda id_: isinstance(id_, str), ids if isinstance(ids, list) else [])
    return frozenset(renamed.get(id_, id_) for id_ in texts)
