"""Routes of the event streams, served before Django's middleware, so that none occupies a thread.

GET /deployments/<id>/events/   the stages of a deployment, then its result; with ?page=1, which the
                                page uses, also the HTML of the rows that each stage changes, and
                                outages of the embedded platform
GET /events/                    an event for each change to any deployment; with ?page=1, outages too
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from urllib.parse import parse_qs

from channels.routing import URLRouter
from django.urls import path

from deployments.models import Deployment
from deployments.permissions import VIEW
from deployments.stream import event_log
from deployments.stream.sse_stream import stream_events
from web.asgi import Receive, Scope, Send, header_value
from web.converters import read_key
from web.streams.access import StreamAccess
from web.streams.database_thread import in_database
from web.streams.responses import Refused, refusing, serve

_ONE = StreamAccess(
    address="/deployments/<id>/events/", permission=VIEW, may_read=event_log.may_read
)
_ALL = StreamAccess(address="/events/", permission=VIEW, may_read=event_log.may_read)


@refusing
async def one_deployment(scope: Scope, receive: Receive, send: Send) -> None:
    """Without a cursor, the stream starts at the first stage."""
    pk = scope["url_route"]["kwargs"]["pk"]
    user = await _ONE.admit(scope, to="view deployments")
    if not await _exists(pk):
        raise Refused(404, f"There is no deployment {pk}.")
    events = _events(scope, event_log.channel_of(pk), first=0, access=_ONE)
    await serve(events, receive, send, user=user)


@refusing
async def all_deployments(scope: Scope, receive: Receive, send: Send) -> None:
    """Without a cursor, the stream starts now: the page has already shown the rest."""
    user = await _ALL.admit(scope, to="view deployments")
    events = _events(scope, event_log.ALL, first=None, access=_ALL)
    await serve(events, receive, send, user=user)


def _events(
    scope: Scope, channel: str, *, first: int | None, access: StreamAccess
) -> AsyncGenerator[bytes]:
    still_allowed = partial(access.may_stay, scope)
    cursor = _cursor(scope, first)
    return stream_events(channel, cursor, still_allowed=still_allowed, for_page=_is_page(scope))


async def _exists(pk: int) -> bool:
    return bool(await in_database(Deployment.objects.filter(pk=pk).exists))


def _is_page(scope: Scope) -> bool:
    return "page" in parse_qs(scope["query_string"].decode("latin-1"))


def _cursor(scope: Scope, first: int | None) -> int | None:
    """Read the cursor. A browser that reconnects sends header and query; the header is newer."""
    header = header_value(scope, b"last-event-id")
    query = parse_qs(scope["query_string"].decode("latin-1")).get("lastEventId", [""])[-1]
    text = (header or query).strip()
    if not text:
        return first
    number = read_key(text)
    if number is None:
        raise Refused(400, "Last-Event-ID must be the id of an event: a whole number.")
    return number


event_routes = URLRouter(
    [
        path("deployments/<key:pk>/events/", one_deployment),  # type: ignore[arg-type]
        path("events/", all_deployments),  # type: ignore[arg-type]
    ]
)
