"""Who may open an event stream or a WebSocket, and keep it open.

The session is read from the database each time, so open streams end soon after a logout.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from time import monotonic
from typing import TYPE_CHECKING, Final

from django.core.handlers.asgi import ASGIRequest

from audit import trail
from audit.acting import client_network
from audit.trail import Actor, Subject
from web.asgi import Scope, header_value
from web.session_user import user_of_cookies
from web.streams.database_thread import in_database
from web.streams.responses import Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

SHARED_SECONDS: Final = 5.0
_MAX_CONFIRMED: Final = 10_000
_confirmed: dict[tuple[str, str], float] = {}  # when a session was last allowed to read a stream


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamAccess:
    """Admits users to a stream; `address` is its path, with placeholders."""

    address: str
    permission: str
    may_read: Callable[[User | AnonymousUser], bool]

    async def opened_by(self, scope: Scope) -> int | None:
        """Return the primary key of the user who may open the stream.

        None is a refusal, which is recorded in the audit trail.
        """
        user: int | None = await in_database(self._open, scope)
        return user

    async def admit(self, scope: Scope, *, to: str) -> int:
        """Return the primary key of the user who may open the stream. Raises Refused.

        A missing permission is recorded in the audit trail.
        """
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "An event stream is read with GET.")
        user = await self.opened_by(scope)
        if user is None:
            raise Refused(403, f"Log in as a user with permission to {to}.")
        return user

    async def may_stay(self, scope: Scope) -> bool:
        """Return whether the user is still logged in and has the permission.

        The streams of a session share the result for a few seconds.
        """
        key = (self.address, header_value(scope, b"cookie"))
        if monotonic() - _confirmed.get(key, -math.inf) < SHARED_SECONDS:
            return True
        is_allowed: bool = await in_database(self._is_allowed, scope)
        if is_allowed:
            if len(_confirmed) >= _MAX_CONFIRMED:
                _confirmed.clear()
            _confirmed[key] = monotonic()
        return is_allowed

    def _open(self, scope: Scope) -> int | None:
        user = _user(scope)
        if self.may_read(user):
            return user.pk
        record_refusal(scope, address=self.address, reason=self.permission)
        return None

    def _is_allowed(self, scope: Scope) -> bool:
        return self.may_read(_user(scope))


def record_refusal(scope: Scope, *, address: str, reason: str) -> None:
    """Record in the audit trail that a stream was refused; repeated ones share an entry.

    The client chooses nothing in the entry, so it cannot fill the trail.
    """
    client = client_network(request_of(scope))
    by, subject = Actor.of(_user(scope)), Subject("stream", name=address)
    trail.count_repeated("access denied", subject, by=by, reason=reason, address=client)


def request_of(scope: Scope) -> ASGIRequest:
    """Return the HTTP request that opens the stream."""
    secure = scope.get("scheme") in ("https", "wss")
    http = {**scope, "method": scope.get("method", "GET"), "scheme": "https" if secure else "http"}
    return ASGIRequest(http, BytesIO())


def _user(scope: Scope) -> User | AnonymousUser:
    return user_of_cookies(header_value(scope, b"cookie"))
