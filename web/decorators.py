"""Who may open a page: staff, as in the admin, with the permission that the page is about."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest as Request
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views import defaults
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from audit import trail
from audit.trail import Actor, Subject

View = Callable[..., HttpResponse]
_NOT_SENT = "You were logged out, so what you sent was not taken: nothing was done. Log in, then send it again."


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
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def redirect_get_to(page: Callable[..., str]) -> Callable[[View], View]:
    """Take POST alone; a link, or a reload, leads to the address of the page with the button."""

    def decorate(view: View) -> View:
        @wraps(view)
        @require_http_methods(["GET", "HEAD", "POST"])
        def led(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            return redirect(page(request, *args, **kwargs))

        return led

    return decorate


def record_denied(request: Request, permission: str) -> None:
    """Put on the trail that somebody was refused a page; `permission` is what lacks, if it is known."""
    subject, by = Subject("page", name=request.path[:300]), Actor.of(request.user)
    trail.record("access denied", subject, by=by, reason=permission, method=request.method)


def permission_denied(request: Request, exception: Exception) -> HttpResponse:
    """Answer every PermissionDenied, also the admin's own, and put it on the trail."""
    if request.user.is_authenticated:
        record_denied(request, str(exception))
    return defaults.permission_denied(request, exception)


def _to_login(request: HttpRequest) -> HttpResponse:
    """A form that was posted is not posted again: the page where it was comes after the login."""
    here = request.get_full_path()
    if request.method not in ("GET", "HEAD"):
        here = _page_before(request)
        messages.warning(request, _NOT_SENT)
    answer = redirect_to_login(here, reverse("admin:login"))
    return HttpResponseClientRedirect(answer.url) if request.htmx else answer


def _page_before(request: HttpRequest) -> str:
    """The page of ours where the form was; the dashboard where the browser does not say it."""
    before = request.headers.get("Referer", "")
    hosts, is_secure = {request.get_host()}, request.is_secure()
    if not url_has_allowed_host_and_scheme(before, hosts, require_https=is_secure):
        return reverse("deployments:dashboard")
    address = urlsplit(before)
    return address._replace(scheme="", netloc="", fragment="").geturl() or "/"
