from __future__ import annotations

from django.urls import path

from targets import views
from web import converters  # noqa: F401 - registers <key:...>

app_name = "targets"
urlpatterns = [
    path("<key:pk>/check/", views.check, name="check"),
]
