"""What every call of the API begins with: who asks, and with what. A refusal is a status and a sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from django.http import HttpRequest, JsonResponse

from deployments.access import denied

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DEPLOY = "deployments.add_deployment"


class Refusal(Exception):
    """A request that cannot be served: an HTTP status and a sentence."""

    def __init__(self, status: int, sentence: str, *, details: Any = None) -> None:
        super().__init__(sentence)
        self.status = status
        self.details = details

    def as_response(self) -> JsonResponse:
        details = {"details": self.details} if self.details is not None else {}
        return JsonResponse({"error": str(self), **details}, status=self.status)


def user_who_may_deploy(request: HttpRequest, doing: str) -> User:
    """Return the session's user; whoever may deploy may also start and control runs."""
    user = request.user
    if not user.is_authenticated:
        raise Refusal(401, "Log in first: this call needs a session.")
    if not user.has_perm(DEPLOY):
        denied(request, DEPLOY)
        raise Refusal(403, f"You may not {doing}. Ask an administrator for the right to deploy.")
    return user


def json_body(request: HttpRequest, *, most: int) -> Any:
    """Return the body, which is {} when empty and has at most so many bytes."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if int(length) > most or len(request.body) > most:
        raise Refusal(413, f"The body is larger than {most // 1024} KB.")
    try:
        return json.loads(request.body or b"{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, f"The body is not JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")
