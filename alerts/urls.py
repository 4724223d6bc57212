"""The URLs of alerts; rules and channels are in the admin."""

from __future__ import annotations

from django.urls import path

from alerts import views
from web import converters  # noqa: F401 - the converter of <key:...>

app_name = "alerts"
urlpatterns = [
    path("", views.alerts, name="list"),
    path("messages/", views.messages, name="messages"),
    path("messages/<key:pk>/again/", views.send_again, name="send_again"),
    path("channels/<key:pk>/test/", views.test_channel, name="test_channel"),
    path("<key:pk>/", views.alert, name="alert"),
    path("<key:pk>/acknowledge/", views.acknowledge, name="acknowledge"),
    path("<key:pk>/resolve/", views.resolve, name="resolve"),
]
