"""The specification, the interactive documentation, and addresses that do not exist."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.views.decorators.http import require_safe

from api.conventions.callers import caller_of, require_access
from api.conventions.problems import ApiError, problem_response
from web.decorators import HttpRequest as PageRequest
from web.decorators import staff_with
from web.gateway.headers import CONTENT_SECURITY_POLICY
from web.rendering import page

VIEW: Final = "workflows.view_workflow"
_WITH_ICONS: Final = CONTENT_SECURITY_POLICY.replace("img-src 'self'", "img-src 'self' data:")


def not_found(request: HttpRequest) -> HttpResponse:
    """Respond to an address that does not exist; others are asked to log in."""
    try:
        require_access(request, caller_of(request))
    except ApiError as error:
        return problem_response(request, error)
    return problem_response(request, ApiError(404, "There is nothing at this address."))


@require_safe
@staff_with(VIEW)
def documentation(request: PageRequest) -> HttpResponse:
    """Show all operations, and try them with the session of the page."""
    context = {
        "title": "API",
        "specification": reverse("api:openapi-json"),
        "token": get_token(request),
    }
    response = page(request, "api/documentation", context)
    response["Content-Security-Policy"] = _WITH_ICONS  # the icons of Swagger UI are data URLs
    return response
