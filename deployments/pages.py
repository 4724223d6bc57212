"""How the product's pages are answered: whole, or their live part alone."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from deployments.access import HttpRequest


def page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer with the whole page."""
    context = {**admin.site.each_context(request), **context}
    return render(request, f"deployments/{name}.html", context)


def live_page(request: HttpRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    """Answer with the whole page, or with its live part when htmx asks for it."""
    if request.htmx:
        answer = render(request, f"deployments/_{name}.html", context)
    else:
        answer = page(request, name, context)
    patch_vary_headers(answer, ["HX-Request"])
    return answer
