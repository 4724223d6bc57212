"""Invalid queries of the admin's lists: they get a 400, like any other bad request.

Django passes the filters in an address on to the database, and fails on years that do not exist, on
numbers of many digits, on search texts that are too long and on fields that do not exist.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.defaults import bad_request

logger = logging.getLogger(__name__)

_UNREADABLE: Final = (
    ValueError,
    OverflowError,
    ValidationError,
    FieldDoesNotExist,
    FieldError,
    DataError,
)


class BadQueryMiddleware:
    """Responds with 400 if an admin page fails on its query."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not (request.GET and request.path.startswith(reverse("admin:index"))):
            return None
        if not (isinstance(error, _UNREADABLE) or _is_too_complex(error)):
            return None
        logger.warning("cannot read the query of %s", request.path, exc_info=error)
        return bad_request(request, error)


def _is_too_complex(error: Exception) -> bool:
    """Whether the search text is longer than SQLite allows."""
    return isinstance(error, OperationalError) and "too complex" in str(error)
