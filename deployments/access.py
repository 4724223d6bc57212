"""Who may open a page: staff, as in the admin, with the permission that the page is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest as Request
from django.http import HttpResponse
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from audit import trail
from audit.trail import Actor, Subject

View = Callable[..., HttpResponse]


class HttpRequest(Request):
    """A request after django-htmx's middleware."""

    htmx: HtmxDetails


def staff_with(permission: str) -> Callable[[View], View]:
    """Send the others to the admin's login page, and refuse staff without the permission."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not admin.site.has_permission(request):
                return _to_login(request)
            if not request.user.has_perm(permission):
                denied(request, permission)
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def denied(request: Request, permission: str) -> None:
    """Put on the trail that somebody was refused a page for the lack of a permission."""
    subject = Subject("page", name=request.path[:300])
    trail.record("access denied", subject, by=Actor.of(request.user), reason=permission)


def _to_login(request: HttpRequest) -> HttpResponse:
    """A form that was posted is not posted again: the dashboard comes after the login."""
    here = request.get_full_path() if request.method == "GET" else reverse("deployments:dashboard")
    answer = redirect_to_login(here, reverse("admin:login"))
    return HttpResponseClientRedirect(answer.url) if request.htmx else answer
