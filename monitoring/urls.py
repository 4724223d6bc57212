"""The addresses of monitoring, which `MonitoringRoutes` serves before Django."""

from __future__ import annotations

from django.urls import path

from web.rendering import needs_asgi

app_name = "monitoring"
urlpatterns = [
    path("healthz", needs_asgi, name="healthz"),
    path("readyz", needs_asgi, name="readyz"),
    path("metrics", needs_asgi, name="metrics"),
]
