"""The pages of one workflow: its deploy settings and its live Workers."""

from __future__ import annotations

from django.urls import path

from deployments.views import deploy_settings, live_workers

urlpatterns = [
    path("<str:pk>/settings/", deploy_settings.deploy_settings, name="deploy_settings"),
    path(
        "<str:pk>/settings/preview/",
        deploy_settings.deploy_settings_preview,
        name="deploy_settings_preview",
    ),
    path("<str:pk>/live/", live_workers.live, name="live"),
    path("<str:pk>/live/check/", live_workers.check, name="check_drift"),
    path("<str:pk>/live/adopt/", live_workers.adopt, name="adopt"),
    path("<str:pk>/live/secrets/", live_workers.secrets, name="secrets"),
    path("<str:pk>/live/secrets/delete/", live_workers.delete_secrets, name="delete_secrets"),
    path("<str:pk>/live/takedown/", live_workers.take_down, name="take_down"),
]
