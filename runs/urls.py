"""The URLs of the run pages."""

from __future__ import annotations

from django.urls import path

from runs.views import approvals, bulk, control, logs, overview, runs, saved_tests, start, test_runs
from web import converters  # noqa: F401 - the converter of <key:...>
from web.rendering import needs_asgi

app_name = "runs"
urlpatterns = [
    path("", runs.runs, name="list"),
    path("events/", needs_asgi, name="events"),
    path("logs/<str:workflow>/", logs.logs, name="logs"),
    path("logs/<str:workflow>/socket/", needs_asgi, name="logs_socket"),
    path("overview/", overview.overview, name="overview"),
    path("workflows/", overview.workflows, name="workflows"),
    path("waiting/", runs.waiting, name="waiting"),
    path("start/", start.start, name="start"),
    path("start/check/", start.check, name="check_payload"),
    path("batch/", start.batch, name="start_batch"),
    path("bulk/", bulk.confirm, name="bulk_confirm"),
    path("bulk/<key:pk>/", bulk.progress, name="bulk_progress"),
    path("tests/<str:workflow>/start/", test_runs.start, name="start_test"),
    path("tests/<str:workflow>/progress/", test_runs.progress, name="test_progress"),
    path("tests/<str:workflow>/stop/", test_runs.stop, name="stop_test"),
    path("tests/<str:workflow>/pin/", test_runs.pin, name="pin"),
    path("<key:pk>/", runs.run, name="run"),
    path("<key:pk>/events/", needs_asgi, name="run_events"),
    path("<key:pk>/picture/", runs.picture, name="picture"),
    path("<key:pk>/step/", runs.step_output, name="step_output"),
    path("<key:pk>/values/<str:what>/", runs.download, name="download"),
    path("<key:pk>/test/", saved_tests.save_run, name="save_run"),
    path("<key:pk>/seen/", control.seen, name="mark_seen"),
    path("<key:pk>/event/", control.send_event, name="send_event"),
    path("<key:pk>/decide/", approvals.decide, name="decide"),
    path("<key:pk>/<str:action>/", control.change, name="control"),
]
