"""What every call of the API begins with: who asks, and with what. A refusal is a status and a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from django.http import HttpRequest, JsonResponse

from deployments.permissions import DEPLOY
from runs.permissions import TRIGGER
from web.decorators import record_denied

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_RIGHTS = {DEPLOY: "deploy", TRIGGER: "start runs"}


class ApiError(Exception):
    """A request that cannot be served: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str, *, details: Any = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.details = details

    def as_response(self) -> JsonResponse:
        details = {"details": self.details} if self.details is not None else {}
        return JsonResponse({"error": str(self), **details}, status=self.status)


def require_permission(request: HttpRequest, permission: str) -> User:
    """Return the session's user, who has the permission; raises Refusal, which is on the trail."""
    user = request.user
    if not user.is_authenticated:
        raise ApiError(401, "Log in first: this call needs a session.")
    if not user.has_perm(permission):
        record_denied(request, permission)
        may = _RIGHTS[permission]
        raise ApiError(403, f"You may not {may}. Ask an administrator for the right to {may}.")
    return user


def json_body(request: HttpRequest, *, most: int) -> Any:
    """Return the body, which is {} when empty and has at most so many bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if int(length) > most or len(request.body) > most:
        raise ApiError(413, f"The body is larger than {most // 1024} KB.")
    try:
        return json.loads(request.body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
