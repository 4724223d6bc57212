"""What requests that change a draft have in common: their body, their user, refusals and conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect

from web.decorators import HttpRequest
from workflows.drafts import ChangedMeanwhile
from workflows.editing.document.refusals import Refused
from workflows.ir.reading import json_reader
from workflows.models import Workflow
from workflows.views.form_operations import InvalidForm

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_FIELD_ROOTS: Final = ("data", "config", "trigger")
_TYPED: Final = ("value", "path", "to", "folder")
_MAX_REQUEST_ID: Final = 64
_JSON: Final = "application/json"


def request_id(request: HttpRequest) -> str:
    """Return the id that a page's script gave the request; "" for a form."""
    id_ = body_of(request).get("id", "") if is_json(request) else request.POST.get("id", "")
    if not isinstance(id_, str) or len(id_) > _MAX_REQUEST_ID or not id_.isascii():
        raise Refused(f"The id of a request must have at most {_MAX_REQUEST_ID} ASCII characters.")
    return id_


def user_of(request: HttpRequest) -> User:
    return cast("User", request.user)


def body_of(request: HttpRequest) -> Mapping[str, Any]:
    """Return the JSON body, or the fields of a form whose `operation` is JSON."""
    try:
        body = json_reader.loads(request.body) if is_json(request) else _form_body(request.POST)
    except (ValueError, RecursionError):
        raise Refused("The request is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refused("The request must be a JSON object.")
    return body


def is_json(request: HttpRequest) -> bool:
    return request.content_type == _JSON


def is_from_script(request: HttpRequest) -> bool:
    """Whether a page's script sent the request, and not a form."""
    return is_json(request) or request.headers.get("Accept") == _JSON


def page_user(request: HttpRequest) -> Any:
    """Return the id of the user who opened the page of a script; None for a form."""
    return body_of(request).get("user") if is_json(request) else request.POST.get("user")


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


def typed_fields(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the fields of a form in which something was typed: their names and texts."""
    return [
        (name.removeprefix("data."), "\n".join(request.POST.getlist(name)))
        for name in request.POST
        if (name.split(".")[0] in _FIELD_ROOTS or name in _TYPED)
        and any(request.POST.getlist(name))
    ]


def is_of_other_user(request: HttpRequest, page_user: Any) -> bool:
    """Whether a page was opened by a different user, who was logged in with this browser earlier.

    Scripts fetch the new session's CSRF token; for forms, the token of their page is refused.
    """
    return page_user is not None and str(page_user) != str(user_of(request).pk)


def other_user(request: HttpRequest) -> HttpResponse:
    name = user_of(request).get_username()
    error = f"You are now logged in as {name}, but this page was opened by a different user."
    return JsonResponse({"error": error, "other_user": True}, status=409)


def conflict_answer(conflict: ChangedMeanwhile) -> HttpResponse:
    return JsonResponse({"error": str(conflict), "current": conflict.current}, status=409)


def refusal(refused: Refused) -> HttpResponse:
    answer = {"error": str(refused), "node": refused.node_id, "can_force": refused.can_force}
    errors = refused.errors if isinstance(refused, InvalidForm) else {}
    return JsonResponse({**answer, "errors": dict(errors)}, status=422)


def back(request: HttpRequest, pk: str, *, selected: str = "", error: str = "") -> HttpResponse:
    if error:
        messages.error(request, error)
    workflow = get_object_or_404(Workflow, pk=pk)
    address = workflow.get_absolute_url()
    name = "file" if workflow.is_project else "node"
    return redirect(f"{address}?{urlencode({name: selected})}" if selected else address)


def place_of(request: HttpRequest) -> str:
    """Return the node or the file that the page shows."""
    return request.POST.get("node", "") or request.POST.get("file", "")
