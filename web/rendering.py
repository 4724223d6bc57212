"""How the product's pages are answered: whole, or their live part alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from web.decorators import HttpRequest

CHANGED = "awaitstep:changed"
"""The htmx trigger that has a page fetch its live parts again."""


def page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the template `<name>.html` with the context that every admin page has."""
    context = {**admin.site.each_context(request), **context}
    return render(request, f"{name}.html", context)


def live_page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Render the whole page, or only its live part `<folder>/_<name>.html` for htmx."""
    if request.htmx:
        folder, _, last = name.rpartition("/")
        answer = render(request, f"{folder}/_{last}.html", context)
    else:
        answer = page(request, name, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer


def needs_asgi(_request: HttpRequest, **_kwargs: Any) -> HttpResponse:
    """Answer for an event stream that daphne would have served in front of Django."""
    sentence = "Event streams need the ASGI server: start the product with `make run`.\n"
    return HttpResponse(sentence, status=501, content_type="text/plain; charset=utf-8")
