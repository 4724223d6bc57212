"""Checks at the start of every API call: the user, the permission and the body."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest, JsonResponse

from deployments.permissions import DEPLOY
from runs.permissions import CHANGE, TRIGGER
from web.decorators import record_denied
from workflows.ir.reading import json_reader
from workflows.ir.reading.raw_values import check_values

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_ACTIONS = {DEPLOY: "deploy", TRIGGER: "start runs", CHANGE: "test workflows"}


_LENGTH = re.compile(r"[0-9]{1,18}")
_MAX_DEPTH = 500  # of values in a body


class ApiError(Exception):
    """The request is rejected: an HTTP status, a message, and details as JSON."""

    def __init__(self, status: int, message: str, *, details: Any = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = details

    def as_response(self) -> JsonResponse:
        details = {"details": self.details} if self.details is not None else {}
        return JsonResponse({"error": str(self), **details}, status=self.status)


def require_permission(request: HttpRequest, permission: str) -> User:
    """Return the session's user; as on pages, only staff with the permission are admitted.

    Raises ApiError for everyone else.
    """
    user = request.user
    if not user.is_authenticated:
        raise ApiError(401, "Log in first: this call needs a session.")
    if not user.is_staff:
        record_denied(request, permission)
        raise ApiError(403, "Only staff users may use the API. Ask an administrator for access.")
    if not user.has_perm(permission):
        record_denied(request, permission)
        action = _ACTIONS[permission]
        message = f"You do not have permission to {action}. Ask an administrator for it."
        raise ApiError(403, message)
    return user


def json_body(request: HttpRequest, *, max_bytes: int) -> Any:
    """Return the parsed body, {} if it is empty; raises ApiError if it is too large or not JSON."""
    if request.content_type == "multipart/form-data":  # read already, in search of a CSRF token
        raise ApiError(415, "The body must be JSON, not a form with files.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not _LENGTH.fullmatch(length) or int(length) > max_bytes or len(request.body) > max_bytes:
        raise ApiError(413, f"The body is larger than {max_bytes // 1024} KB.")
    try:
        body = json_reader.loads(request.body or b"{}")
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise ApiError(400, f"The body is not JSON: {error}") from None
    for problem in check_values(body, max_depth=_MAX_DEPTH):
        subject = f"{problem.path} in the body" if problem.path else "The body"
        raise ApiError(400, f"{subject} {problem.message}.")
    return body
