"""The ASGI application: event streams first, Django for everything else."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awaitstep_site.settings")
django_application = get_asgi_application()

from alerts.background import start_alerts  # noqa: E402 - Django must be set up first
from deployments.queue.spares import keep_spares  # noqa: E402
from deployments.queue.sweeper import start_sweeper  # noqa: E402
from deployments.stream.asgi_routes import event_routes  # noqa: E402
from maintenance.retention.pruning import Pruner  # noqa: E402
from monitoring.asgi_routes import MonitoringRoutes  # noqa: E402
from monitoring.traces.exporter_thread import start_trace_export  # noqa: E402
from runs.bulk import tasks  # noqa: E402
from runs.logs.consumer import LogConsumer  # noqa: E402
from runs.stream.asgi_routes import run_event_routes  # noqa: E402
from runs.sync.poller_thread import start_poller  # noqa: E402
from runs.test_runs.services import remove_expired  # noqa: E402
from web.gateway.headers import SecurityHeaders  # noqa: E402
from web.gateway.local_names import RedirectLocalNames  # noqa: E402
from web.gateway.websocket_origin import SameOriginWebSockets, refuse_websocket  # noqa: E402
from web.logs.request_ids import RequestIds  # noqa: E402
from workflows.code_socket.consumer import LanguageConsumer  # noqa: E402

routes = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                # Lookaheads, because URLRouter strips what a pattern matches from the path of inner routes.
                re_path(r"^(?=(?:deployments/[0-9]+/)?events/$)", event_routes),
                re_path(r"^(?=runs/(?:[0-9]+/)?events/$)", run_event_routes),
                re_path(r"", django_application),  # type: ignore[arg-type]
            ]
        ),
        "websocket": SameOriginWebSockets(
            URLRouter(
                [
                    path("runs/logs/<str:workflow>/socket/", LogConsumer.as_asgi()),
                    path("workflows/<str:workflow>/language/", LanguageConsumer.as_asgi()),
                    re_path(r"", refuse_websocket),  # type: ignore[arg-type]
                ]
            )
        ),
    }
)

redirected = RedirectLocalNames(routes) if settings.AWAITSTEP.redirects_localhost else routes
application = RequestIds(SecurityHeaders(MonitoringRoutes(redirected)))

if settings.AWAITSTEP.tasks == "web":
    keep_spares()
    start_sweeper(own=[tasks.sweep], elected=[remove_expired])
    start_poller(Pruner().prune_next)
    start_trace_export()
    start_alerts()
