"""Handles a database that another process locks: skips optional writes, and responds with 503."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)

_RETRY_AFTER: Final = "5"
_SHORT_WAIT: Final = 250  # milliseconds
_MESSAGE: Final = "The database is busy. Nothing was changed. Try again in a moment."


class BusyDatabaseMiddleware:
    """Responds with 503 if the database was locked for longer than a request waits."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not is_locked(error):
            return None
        logger.warning("%s %s: the database was locked", request.method, request.path)
        is_api = request.path.startswith("/api/")
        response = JsonResponse({"error": _MESSAGE}) if is_api else render(request, "503.html")
        response.status_code = 503
        response["Retry-After"] = _RETRY_AFTER
        return response


def is_locked(error: Exception) -> bool:
    return isinstance(error, OperationalError) and "database is locked" in str(error)


@contextmanager
def skipped_if_locked() -> Iterator[None]:
    """Run a block that writes optional data; it is soon abandoned if the database is locked.

    Use it outside of transactions.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA busy_timeout = {_SHORT_WAIT}")
    try:
        yield
    except OperationalError as error:
        if not is_locked(error):
            raise
        logger.info("left out a write, because the database was locked")
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA busy_timeout = {_usual_wait()}")


def _usual_wait() -> int:
    return int(connection.settings_dict["OPTIONS"]["timeout"] * 1000)
