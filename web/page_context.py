"""Lets an app add to the pages of an app that must not import it.

The dashboard belongs to `deployments` and also shows runs, which `runs` contributes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from web.decorators import HttpRequest

Provider = Callable[[HttpRequest, Mapping[str, Any]], Mapping[str, Any]]
"""Takes the request and the page's context, and returns additions to the context."""

_providers: dict[str, list[Provider]] = {}


def contribute(page: str, provider: Provider) -> None:
    """Register a provider for a page; call it from the `ready` method of an AppConfig."""
    _providers.setdefault(page, []).append(provider)


def contributions(page: str, request: HttpRequest, context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the additions of all providers for the page."""
    added: dict[str, Any] = {}
    for provider in _providers.get(page, ()):
        added |= provider(request, context)
    return added
