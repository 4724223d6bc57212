from __future__ import annotations

from django.urls import include, path

from deployments import (
    control_views,
    deploy_views,
    keys,  # noqa: F401 - the converter of <key:...>
    views,
)
from deployments.tabs import TABS

app_name = "deployments"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("events/", views.needs_asgi, name="events"),
    path("workflows/<str:pk>/deploy/", deploy_views.deploy, name="deploy"),
    path("workflows/<str:pk>/deploy/preflight/", deploy_views.preflight, name="preflight"),
    path("workflows/<str:pk>/deploy/plan/", deploy_views.plan, name="plan"),
    path("targets/", include("deployments.target_urls")),
    path("workflows/", include("deployments.workflow_urls")),
    path("deployments/<key:pk>/", views.deployment, {"tab": TABS[0]}, name="deployment"),
    path("deployments/<key:pk>/events/", views.needs_asgi, name="deployment_events"),
    path("deployments/<key:pk>/output/<key:output>/", views.download, name="download"),
    path("deployments/<key:pk>/cancel/", control_views.cancel, name="cancel"),
    path("deployments/<key:pk>/rollback/", control_views.roll_back, name="rollback"),
    path("deployments/<key:pk>/retry/", control_views.retry, name="retry"),
    path("deployments/<key:pk>/anew/", control_views.deploy_anew, name="deploy_anew"),
    *(
        path(f"deployments/<key:pk>/{tab.slug}/", views.deployment, {"tab": tab}, name=tab.url_name)
        for tab in TABS
    ),
]
