"""The URLs of the tests of a workflow."""

from __future__ import annotations

from django.urls import path

from runs.views import saved_tests
from web import converters  # noqa: F401 - the converter of <key:...>

app_name = "saved_tests"
urlpatterns = [
    path("<str:workflow>/tests/", saved_tests.tests, name="list"),
    path("<str:workflow>/tests/run/", saved_tests.run, name="run"),
    path("<str:workflow>/tests/edit/", saved_tests.edit, name="edit"),
    path("<str:workflow>/tests/delete/", saved_tests.delete, name="delete"),
    path("<str:workflow>/tests/save/", saved_tests.save_test_run, name="save"),
    path("<str:workflow>/tests/results/<key:pk>/", saved_tests.result, name="result"),
    path("<str:workflow>/tests/results/<key:pk>/accept/", saved_tests.accept, name="accept"),
]
