"""Event streams of runs, served before Django's middleware like those of deployments.

GET /runs/<id>/events/               changes to one run
GET /runs/events/[?workflow=<id>]    changes to a workflow's runs, or to all runs
"""

from __future__ import annotations

from functools import partial
from urllib.parse import parse_qs

from channels.routing import URLRouter
from django.urls import path

from runs.index.watchers import ALL, channel_of_run, channel_of_workflow
from runs.models import Run
from runs.permissions import VIEW
from runs.stream.run_events import may_read, stream_changes
from web import converters  # noqa: F401 - the converter of <key:...>
from web.asgi import Receive, Scope, Send
from web.streams.access import StreamAccess
from web.streams.database_thread import in_database
from web.streams.responses import Refused, refusing, serve

_ONE = StreamAccess(address="/runs/<id>/events/", permission=VIEW, may_read=may_read)
_LIST = StreamAccess(address="/runs/events/", permission=VIEW, may_read=may_read)


@refusing
async def run_events(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the changes to one run."""
    pk = scope["url_route"]["kwargs"]["pk"]
    user = await _ONE.admit(scope, to="view runs")
    if not await in_database(Run.objects.filter(pk=pk).exists):
        raise Refused(404, f"There is no run {pk}.")
    changes = stream_changes(channel_of_run(pk), still_allowed=partial(_ONE.may_stay, scope))
    await serve(changes, receive, send, user=user)


@refusing
async def list_events(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve the changes to a workflow's runs, or to all runs."""
    workflow = parse_qs(scope["query_string"].decode("latin-1")).get("workflow", [""])[-1]
    user = await _LIST.admit(scope, to="view runs")
    channel = channel_of_workflow(workflow[:20]) if workflow else ALL
    changes = stream_changes(channel, still_allowed=partial(_LIST.may_stay, scope))
    await serve(changes, receive, send, user=user)


run_event_routes = URLRouter(
    [
        path("runs/<key:pk>/events/", run_events),  # type: ignore[arg-type]
        path("runs/events/", list_events),  # type: ignore[arg-type]
    ]
)
