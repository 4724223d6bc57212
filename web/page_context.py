"""What apps above contribute to a page of an app below them.

The dashboard belongs to deployments and also shows runs, which deployments do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from web.decorators import HttpRequest

Provider = Callable[[HttpRequest, Mapping[str, Any]], Mapping[str, Any]]
"""Takes the request and the page's own context, and returns what to add to it."""

_providers: dict[str, list[Provider]] = {}


def contribute(page: str, provider: Provider) -> None:
    """Have the provider add to the context of a page; called from the `ready` of an app."""
    _providers.setdefault(page, []).append(provider)


def contributions(page: str, request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all providers add to the context of the page."""
    added: dict[str, Any] = {}
    for provider in _providers.get(page, ()):
        added |= provider(request, context)
    return added
