"""Rendering of pages: whole, or only their live part."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from toolchain.commands import START
from web.decorators import HttpRequest

CHANGED = "awaitstep:changed"
"""The htmx trigger that makes a page fetch its live parts again."""

MESSAGE = "awaitstep:message"
"""The htmx trigger that shows a message on an open page: text, url, link, after and level."""


def page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the template `<name>.html` with the context of every admin page."""
    context = {**admin.site.each_context(request), **context}
    return render(request, f"{name}.html", context)


def live_page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the whole page, or only its live part `<folder>/_<name>.html` for htmx."""
    if request.htmx:
        folder, _, last = name.rpartition("/")
        response = render(request, f"{folder}/_{last}.html", context)
    else:
        response = page(request, name, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def needs_asgi(_request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """Respond with 501 to a request that only the ASGI server can serve, such as an event stream."""
    message = f"This address needs the ASGI server: start AwaitStep with `{START}`.\n"
    return HttpResponse(message, status=501, content_type="text/plain; charset=utf-8")
