"""Handles a database that is locked or restarting: skips optional writes, and responds with 503."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)

_RETRY_AFTER: Final = "5"
_SHORT_WAIT: Final = 250  # milliseconds
_NO_CONNECTION: Final = "08000"
# No connection, a deadlock, a lock that was not free in time, too many connections, a server that stops or starts
_BUSY_STATES: Final = ("08", "40P01", "55P03", "53300", "57P0")
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
        logger.warning("%s %s: the database was busy", request.method, request.path)
        is_api = request.path.startswith("/api/")
        # Without the request, the page needs no user, whose session is in the database.
        page = HttpResponse(render_to_string("503.html"))
        response = JsonResponse({"error": _MESSAGE}) if is_api else page
        response.status_code = 503
        response["Retry-After"] = _RETRY_AFTER
        return response


def is_locked(error: Exception) -> bool:
    """Return whether a lock was not free in time, or PostgreSQL is not available, as during a restart."""
    if not isinstance(error, OperationalError):
        return False
    if connection.vendor == "postgresql":
        return _sqlstate(error).startswith(_BUSY_STATES)
    return "database is locked" in str(error)


def _sqlstate(error: OperationalError) -> str:
    """Return PostgreSQL's code of the error; without one, there was no connection."""
    return getattr(error.__cause__, "sqlstate", None) or _NO_CONNECTION


@contextmanager
def skipped_if_locked() -> Iterator[None]:
    """Run a block that writes optional data; it is soon abandoned if the database is locked.

    Use it outside of transactions.
    """
    _set_wait(_SHORT_WAIT)
    try:
        yield
    except OperationalError as error:
        if not is_locked(error):
            raise
        logger.info("left out a write, because the database was locked")
    finally:
        with suppress(OperationalError):  # the connection was lost, and with it its setting
            _set_wait(None)


def _set_wait(milliseconds: int | None) -> None:
    """Set how long statements of this connection wait for a lock; None is the usual time."""
    if connection.vendor == "postgresql":
        statement = "SET lock_timeout = " + (f"{milliseconds}" if milliseconds else "DEFAULT")
    else:
        statement = f"PRAGMA busy_timeout = {milliseconds or _usual_wait()}"
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _usual_wait() -> int:
    return int(connection.settings_dict["OPTIONS"]["timeout"] * 1000)
