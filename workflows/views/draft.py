"""Requests that change a draft, and the responses that the editor shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import (
    require_GET,
    require_http_methods,
    require_POST,
)

from web.decorators import HttpRequest, View, staff_with
from web.rendering import page
from workflows import drafts, services
from workflows.drafts import Changed, ChangedMeanwhile
from workflows.editing import fragments
from workflows.editing.document.refusals import NotEditable, Refused
from workflows.editing.document.workbench import OpenDocument, Slot, Workbench
from workflows.editing.slots import all_slots, slots_for
from workflows.editing.structure import selected_blocks
from workflows.ir.deploy.deploy_settings import InvalidSettings
from workflows.ir.reading import json_reader
from workflows.ir.reading.problems import InvalidIR
from workflows.models import Workflow
from workflows.versions import clean_note
from workflows.views.editor import EditorState, problems_html
from workflows.views.form_operations import InvalidForm, as_operation
from workflows.views.problem_list import problem_list

if TYPE_CHECKING:
    from django.contrib.auth.models import User

VIEW: Final = "workflows.view_workflow"
CHANGE: Final = "workflows.change_workflow"
_FIELD_ROOTS: Final = ("data", "config", "trigger")
_MAX_REQUEST_ID: Final = 64
_NO_TREE: Final = "The nodes of this document are not connected in a way that can run. Edit the document as text first."


@require_POST
@staff_with(CHANGE)
def change(request: HttpRequest, pk: str) -> HttpResponse:
    """Perform an operation: `{"revision": 3, "operation": {...}}`, as JSON or as form fields.

    If the page gives the request an `id`, sending it again changes nothing the second time.
    """
    return _answer(request, pk, lambda: _change(request, pk))


def _change(request: HttpRequest, pk: str) -> Changed:
    body = _body(request)
    revision, operation = body.get("revision"), body.get("operation")
    if not isinstance(revision, int) or isinstance(revision, bool) or revision < 0:
        raise Refused("The request does not contain a valid revision of the draft.")
    request_id, user = _request_id(request), _user(request)
    if known := drafts.known_answer(pk, request_id, by=user):
        return known
    made = as_operation(pk, operation)
    return drafts.change_draft(pk, made, revision=revision, by=user, request_id=request_id)


def _request_id(request: HttpRequest) -> str:
    """Return the id that a page's script gave the request; "" for a form."""
    id_ = _body(request).get("id", "") if _is_json(request) else ""
    if not isinstance(id_, str) or len(id_) > _MAX_REQUEST_ID or not id_.isascii():
        raise Refused(f"The id of a request must have at most {_MAX_REQUEST_ID} ASCII characters.")
    return id_


def _user(request: HttpRequest) -> User:
    return cast("User", request.user)


def _step_in_history(perform: Callable[..., Changed]) -> View:
    @require_POST
    @staff_with(CHANGE)
    def view(request: HttpRequest, pk: str) -> HttpResponse:
        by = _user(request)
        return _answer(request, pk, lambda: perform(pk, by=by, request_id=_request_id(request)))

    return view


undo: Final = _step_in_history(drafts.undo)
redo: Final = _step_in_history(drafts.redo)


@require_http_methods(["GET", "POST"])
@staff_with(VIEW)
def parts(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the parts of the editor for the node `node`, or one `part`; 204 if `revision` is current.

    `folded` are the containers that are folded in the picture, `user` is the user of the page.
    """
    if _is_of_other_user(request, request.GET.get("user")):
        return _other_user(request)
    current = get_object_or_404(Workflow.objects.only("draft_revision"), pk=pk)
    if request.GET.get("revision") == str(current.draft_revision):
        return HttpResponse(status=204)
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        opened = drafts.open_draft(workflow)
    except NotEditable:
        return JsonResponse({"error": _NO_TREE}, status=409)
    selected = request.GET.get("node", "")
    try:
        folded = frozenset(_ids(request, "folded"))
    except Refused as refused:
        return _refusal(refused)
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
        return _refusal(refused)
    return JsonResponse({"slots": [_as_json(slot) for slot in legal]})


@require_http_methods(["GET", "POST"])
@staff_with(VIEW)
def fragment(request: HttpRequest, pk: str) -> HttpResponse:
    """Return the nodes `node` as a separate document, for the clipboard."""
    try:
        bench = Workbench(_opened(pk))
        blocks = selected_blocks(bench, _ids(request, "node"))
    except Refused as refused:
        return _refusal(refused)
    if not blocks:
        return _refusal(Refused("Select at least one node."))
    style = {"indent": 2, "ensure_ascii": False}
    return JsonResponse(fragments.fragment_of(bench, blocks), json_dumps_params=style)


@require_GET
@staff_with(VIEW)
def problems(request: HttpRequest, pk: str) -> HttpResponse:
    """Return all problems of the draft: as a list, by field, and the most severe problem of each node."""
    workflow = get_object_or_404(Workflow, pk=pk)
    found = problem_list(workflow, may_change=_user(request).has_perm(CHANGE))
    html = problems_html(request, found)
    return JsonResponse({"html": html, "nodes": found.nodes, "fields": found.fields})


@require_POST
@staff_with(CHANGE)
def save_version(request: HttpRequest, pk: str) -> HttpResponse:
    """Save the draft as a version, if it has no errors; then show the editor, or the page `next`.

    If nothing has changed, the `note` is offered for the newest version.
    """
    workflow = get_object_or_404(Workflow, pk=pk)
    try:
        note = clean_note(request.POST.get("note", ""))
        version = services.save_version(workflow, by=_user(request), note=note)
    except Refused as refused:
        return _back(request, pk, selected=request.POST.get("node", ""), error=str(refused))
    except (InvalidIR, InvalidSettings) as invalid:
        first = invalid.problems[0]
        reason = drafts.problem_sentence(workflow, first)
        return _back(request, pk, selected=first.node_id, error=f"Nothing was saved. {reason}")
    if note and version.note != note:
        context = {"workflow": workflow, "version": version, "note": note}
        return page(request, "workflows/editor/unchanged", context)
    messages.success(request, f"Saved as v{version.number}.")
    following = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(following, {request.get_host()}):
        return redirect(following)
    return _back(request, pk, selected=request.POST.get("node", ""))


def _ids(request: HttpRequest, name: str) -> list[str]:
    """Return the ids in the query, or in a JSON body if there are too many for an address."""
    if request.method != "POST":
        return request.GET.getlist(name)
    ids = _body(request).get(name)
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


def _body(request: HttpRequest) -> Mapping[str, Any]:
    """Return the JSON body, or the fields of a form whose `operation` is JSON."""
    try:
        body = json_reader.loads(request.body) if _is_json(request) else _form_body(request.POST)
    except (ValueError, RecursionError):
        raise Refused("The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The request must be a JSON object.")
    return body


def _is_json(request: HttpRequest) -> bool:
    return request.content_type == "application/json"


def _form_body(posted: QueryDict) -> dict[str, Any]:
    """Return what a form posts without scripts: `argument` is the name of the argument for `value`."""
    operation = json_reader.loads(posted.get("operation") or "null")
    if isinstance(operation, dict) and posted.get("argument"):
        operation[str(posted["argument"])] = posted.get("value", "")
    elif isinstance(operation, dict):
        operation["posted"] = {
            key: posted.getlist(key) for key in posted if key.split(".")[0] in _FIELD_ROOTS
        }
    return {"revision": json_reader.loads(posted.get("revision") or "null"), "operation": operation}


def _answer(request: HttpRequest, pk: str, make: Callable[[], Changed]) -> HttpResponse:
    """Return the changed parts of the editor, or a redirect to its page for a form."""
    is_script = _is_json(request)
    try:
        if is_script and _is_of_other_user(request, _body(request).get("user")):
            return _other_user(request)
        changed = make()
    except Workflow.DoesNotExist:
        return JsonResponse({"error": "This workflow was deleted."}, status=404)
    except NotEditable:
        return JsonResponse({"error": _NO_TREE}, status=409)
    except ChangedMeanwhile as conflict:
        return _conflict(conflict) if is_script else _back(request, pk, error=str(conflict))
    except Refused as refused:
        return _refusal(refused) if is_script else _back(request, pk, error=str(refused))
    if not is_script:
        return _back(request, pk, selected=changed.selected)
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


def _is_of_other_user(request: HttpRequest, page_user: Any) -> bool:
    """Whether a page was opened by a different user, who was logged in with this browser earlier.

    Scripts fetch the new session's CSRF token; for forms, the token of their page is refused.
    """
    return page_user is not None and str(page_user) != str(_user(request).pk)


def _other_user(request: HttpRequest) -> HttpResponse:
    name = _user(request).get_username()
    error = f"You are now logged in as {name}, but this page was opened by a different user."
    return JsonResponse({"error": error, "other_user": True}, status=409)


def _folded(request: HttpRequest, renamed: Mapping[str, str]) -> frozenset[str]:
    """Return the containers that are folded on the page, by their current ids."""
    ids = _body(request).get("folded")
    texts = filter(lambda id_: isinstance(id_, str), ids if isinstance(ids, list) else [])
    return frozenset(renamed.get(id_, id_) for id_ in texts)


def _conflict(conflict: ChangedMeanwhile) -> HttpResponse:
    return JsonResponse({"error": str(conflict), "current": conflict.current}, status=409)


def _refusal(refused: Refused) -> HttpResponse:
    answer = {"error": str(refused), "node": refused.node_id, "can_force": refused.can_force}
    errors = refused.errors if isinstance(refused, InvalidForm) else {}
    return JsonResponse({**answer, "errors": dict(errors)}, status=422)


def _back(request: HttpRequest, pk: str, *, selected: str = "", error: str = "") -> HttpResponse:
    if error:
        messages.error(request, error)
    address = get_object_or_404(Workflow, pk=pk).get_absolute_url()
    return redirect(f"{address}?{urlencode({'node': selected})}" if selected else address)
