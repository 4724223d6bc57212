from __future__ import annotations

from django.urls import path

from api import views

app_name = "api"
urlpatterns = [
    path("events/<str:event_type>", views.raise_event, name="raise_event"),
    path("workflows/<slug:workflow_id>/test", views.test_workflow, name="test_workflow"),
    path("workflows/<slug:workflow_id>/deploy-stream", views.deploy_stream, name="deploy_stream"),
]
