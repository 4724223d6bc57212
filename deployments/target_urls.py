from __future__ import annotations

from django.urls import path

from deployments import target_views

urlpatterns = [
    path("<int:pk>/check/", target_views.check, name="check_target"),
    path("<int:pk>/resources/", target_views.resources, name="target_resources"),
    path("<int:pk>/resources/use/", target_views.use, name="use_resource"),
]
