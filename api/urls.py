from __future__ import annotations

from django.urls import path

from api import views

app_name = "api"
urlpatterns = [
    path("workflows/<slug:workflow_id>/deploy-stream", views.deploy_stream, name="deploy-stream"),
]
