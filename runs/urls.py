from __future__ import annotations

from django.urls import path

from deployments import keys  # noqa: F401 - the converter of <key:...>
from deployments.views import needs_asgi
from runs import bulk_views, control_views, log_views, overview_views, start_views, views

app_name = "runs"
urlpatterns = [
    path("", views.runs, name="list"),
    path("events/", needs_asgi, name="events"),
    path("logs/<str:workflow>/", log_views.logs, name="logs"),
    path("logs/<str:workflow>/socket/", needs_asgi, name="logs_socket"),
    path("overview/", overview_views.overview, name="overview"),
    path("workflows/", overview_views.workflows, name="workflows"),
    path("waiting/", views.waiting, name="waiting"),
    path("start/", start_views.start, name="start"),
    path("start/check/", start_views.check, name="check_payload"),
    path("batch/", start_views.batch, name="batch"),
    path("bulk/", bulk_views.ask, name="ask_bulk"),
    path("bulk/<key:pk>/", bulk_views.progress, name="bulk"),
    path("<key:pk>/", views.run, name="run"),
    path("<key:pk>/events/", needs_asgi, name="run_events"),
    path("<key:pk>/picture/", views.picture, name="picture"),
    path("<key:pk>/step/", views.step_output, name="step_output"),
    path("<key:pk>/values/<str:what>/", views.download, name="download"),
    path("<key:pk>/event/", control_views.send_event, name="send_event"),
    path("<key:pk>/<str:action>/", control_views.change, name="change"),
]
