from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

handler403 = "web.forbidden.permission_denied"

urlpatterns = [
    path("admin/", admin.site.urls),
    path("alerts/", include("alerts.urls")),
    path("api/", include("api.urls")),
    path("targets/", include("targets.urls")),
    path("runs/", include("runs.urls")),
    path("workflows/", include("workflows.urls")),
    path("workflows/", include("runs.saved_test_urls")),
    path("docs/", include("workflows.documentation.urls")),
    path("", include("monitoring.urls")),
    path("", include("deployments.urls")),
]
