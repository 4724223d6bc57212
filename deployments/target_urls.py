from __future__ import annotations

from django.urls import path

from deployments import keys, target_views  # noqa: F401 - the converter of <key:...>

urlpatterns = [
    path("<key:pk>/check/", target_views.check, name="check_target"),
    path("<key:pk>/resources/", target_views.resources, name="target_resources"),
    path("<key:pk>/resources/use/", target_views.use, name="use_resource"),
]
