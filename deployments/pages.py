"""How the product's pages are answered: whole, or their live part alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from deployments.access import HttpRequest


def page(
    request: HttpRequest, name: str, context: dict[str, Any], *, app: str = "deployments"
) -> HttpResponse:
    """Answer with the whole page, which has what every page of the admin has."""
    context = {**admin.site.each_context(request), **context}
    return render(request, f"{app}/{name}.html", context)


def live_page(
    request: HttpRequest, name: str, context: dict[str, Any], *, app: str = "deployments"
) -> HttpResponse:
    """Answer with the whole page, or with its live part when htmx asks for it."""
    if request.htmx:
        folder, _, last = f"{app}/{name}".rpartition("/")
        answer = render(request, f"{folder}/_{last}.html", context)
    else:
        answer = page(request, name, context, app=app)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
