"""All operations of the API, and their specification."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from api import views
from api.conventions.bodies import JsonParser
from api.conventions.callers import caller_of, require_access
from api.conventions.errors import add_handlers
from api.conventions.openapi import AwaitStepAPI
from api.conventions.problems import ApiError, problem_response
from api.routes import (
    alerts,
    audit_trail,
    connections,
    deploy_stream,
    deployments,
    drafts,
    events,
    keys,
    nodes,
    projects,
    resources,
    run_control,
    saved_tests,
    templates,
    variables,
    versions,
    workflows,
)


def _for_callers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Show the specification to everyone who may use the API."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            require_access(request, caller_of(request))
        except ApiError as error:
            return problem_response(request, error)
        return view(request, *args, **kwargs)

    return guarded


api = AwaitStepAPI(
    title="AwaitStep",
    version="1.0.0",
    description="What the pages show and do, for programs. The documentation describes keys and conventions.",
    docs_url=None,
    docs_decorator=_for_callers,
    urls_namespace="api",
    parser=JsonParser(),
)
add_handlers(api)
for router in (
    projects.router,  # `workflows/from-files` must be found before `workflows/<id>`
    workflows.router,
    drafts.router,
    versions.router,
    nodes.router,
    templates.router,
    variables.router,
    deploy_stream.router,
    events.router,
    saved_tests.router,
    keys.router,
    connections.router,
    resources.router,
    deployments.router,
    run_control.router,
    audit_trail.router,
    alerts.router,
):
    api.add_router("", router)

urlpatterns = [
    path("", views.not_found, name="root"),
    path("docs/", views.documentation, name="documentation"),
    path("", api.urls),
    re_path(r".*", views.not_found, name="not_found"),
]
