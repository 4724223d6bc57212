"""Access to pages: staff, as in the admin, with the permission of the page."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest as Request
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from audit import trail
from audit.trail import Actor, Subject

View = Callable[..., HttpResponse]
MAX_DENIED_ADDRESSES: Final = 20
"""How many denied addresses of a user the audit trail records as they are within an hour."""
_DENIED: Final = "access denied"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_NOT_SENT = "You were logged out, so nothing was changed. Log in and submit the form again."


class HttpRequest(Request):
    """A request as django-htmx's middleware passes it on."""

    htmx: HtmxDetails


def staff_with(permission: str, *others: str) -> Callable[[View], View]:
    """Admit staff with one of the permissions; send everyone else to the login page or to a 403.

    Browsers do not store the response: it may show code, values and program output.
    """

    def decorate(view: View) -> View:
        @never_cache
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not admin.site.has_permission(request):
                return _to_login(request)
            if not any(map(request.user.has_perm, (permission, *others))):
                raise PermissionDenied(permission)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def redirect_get_to(page: Callable[..., str]) -> Callable[[View], View]:
    """Accept POST only; a GET, as after a reload, redirects to the address that `page` returns."""

    def decorate(view: View) -> View:
        @wraps(view)
        @require_http_methods(["GET", "HEAD", "POST"])
        def post_only(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            return redirect(page(request, *args, **kwargs))

        return post_only

    return decorate


def record_denied(request: Request, permission: str) -> None:
    """Record in the audit trail that access was denied; `permission` is the missing one, if known.

    Clients choose addresses and methods. So that they cannot fill the trail, only some of the addresses
    are recorded as they are; the others as the pattern that they match.
    """
    by, path = Actor.of(request.user), request.path[:300]
    if trail.recent_count(_DENIED, by=by) >= MAX_DENIED_ADDRESSES:
        path = f"/{request.resolver_match.route}" if request.resolver_match else "/"
    method = request.method if request.method in _METHODS else "other"
    subject = Subject("page", name=path)
    trail.count_repeated(_DENIED, subject, by=by, reason=permission, method=method)


def _to_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the login page; after a POST, the login returns to the page with the form."""
    next_page = request.get_full_path()
    if request.method not in ("GET", "HEAD"):
        next_page = _referring_page(request)
        messages.warning(request, _NOT_SENT)
    response = redirect_to_login(next_page, reverse("admin:login"))
    return HttpResponseClientRedirect(response.url) if request.htmx else response


def _referring_page(request: HttpRequest) -> str:
    """Return the page that sent the request; the dashboard if the browser does not say."""
    referrer = request.headers.get("Referer", "")
    hosts, is_secure = {request.get_host()}, request.is_secure()
    if not url_has_allowed_host_and_scheme(referrer, hosts, require_https=is_secure):
        return reverse("deployments:dashboard")
    address = urlsplit(referrer)
    return address._replace(scheme="", netloc="", fragment="").geturl() or "/"
