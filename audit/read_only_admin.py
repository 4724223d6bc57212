"""Admin pages that show rows without changing them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from audit.listed_filters import ListedFilters


class ReadOnlyAdmin(ListedFilters):
    """A mixin for a ModelAdmin whose rows can only be viewed."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
