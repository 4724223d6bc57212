from __future__ import annotations

from django.urls import path

from deployments import views
from deployments.tabs import TABS

app_name = "deployments"
urlpatterns = [
    path("", views.dashboard, name="dashboard"),
    path("events/", views.needs_asgi, name="events"),
    path("workflows/<str:pk>/deploy/", views.deploy, name="deploy"),
    path("deployments/<int:pk>/", views.deployment, {"tab": TABS[0]}, name="deployment"),
    path("deployments/<int:pk>/events/", views.needs_asgi, name="deployment_events"),
    path("deployments/<int:pk>/output/<int:output>/", views.download, name="download"),
    *(
        path(f"deployments/<int:pk>/{tab.slug}/", views.deployment, {"tab": tab}, name=tab.url_name)
        for tab in TABS
    ),
]
