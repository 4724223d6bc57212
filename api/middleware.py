"""What happens to every request under /api/, before and after its operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from api.conventions import idempotency, rate_limits
from api.conventions.problems import ApiError, as_problem, problem_response
from audit import trail

PREFIX: Final = "/api/"


class ApiMiddleware:
    """Limits requests, and makes every error a problem, including those of Django and its middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path.startswith(PREFIX):
            return self._get_response(request)
        with trail.forgetting_the_key():
            response = as_problem(request, self._response(request))
            idempotency.finish(request, response)
        rate_limits.add_headers(request, response)
        return response

    def _response(self, request: HttpRequest) -> HttpResponseBase:
        try:
            rate_limits.count_address(request)
        except ApiError as error:
            return problem_response(request, error)
        return self._get_response(request)
