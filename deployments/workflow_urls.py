"""The pages of one workflow: how it is deployed, and what is live of it."""

from __future__ import annotations

from django.urls import path

from deployments import live_views, settings_views

urlpatterns = [
    path("<str:pk>/settings/", settings_views.deploy_settings, name="deploy_settings"),
    path(
        "<str:pk>/settings/preview/",
        settings_views.deploy_settings_preview,
        name="deploy_settings_preview",
    ),
    path("<str:pk>/live/", live_views.live, name="live"),
    path("<str:pk>/live/check/", live_views.check, name="check_drift"),
    path("<str:pk>/live/adopt/", live_views.adopt, name="adopt"),
    path("<str:pk>/live/secrets/", live_views.secrets, name="secrets"),
    path("<str:pk>/live/secrets/delete/", live_views.delete_secrets, name="delete_secrets"),
    path("<str:pk>/live/takedown/", live_views.take_down, name="take_down"),
]
