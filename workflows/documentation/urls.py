from __future__ import annotations

from django.urls import path

from workflows.documentation import views

app_name = "documentation"
urlpatterns = [
    path("", views.page, name="index"),
    path("search/", views.results, name="search"),
    path("<path:address>/use/", views.use_example, name="use_example"),
    path("<path:address>/", views.page, name="page"),
]
