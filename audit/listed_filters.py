"""Admin lists that are filtered only by what they offer.

Django accepts every column of a list's model in its address. That would tell users, character by
character, what a column holds that no page shows them, such as the value that a variable had in a
deployment before it became a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest

if TYPE_CHECKING:
    _Admin = admin.ModelAdmin[Any]
else:
    _Admin = object


class ListedFilters(_Admin):
    """A mixin for a ModelAdmin whose list is filtered by its filters, its dates and its key."""

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Refuse the columns that no filter offers; unknown names are ignored or refused later."""
        name = lookup.partition(LOOKUP_SEP)[0]
        is_column = name in {field.name for field in self.opts.get_fields()}
        if is_column and name not in set(self._offered(request)):
            return False
        return super().lookup_allowed(lookup, value, request)

    def _offered(self, request: HttpRequest) -> Iterator[str]:
        """Yield the first parts of the names that the address may have."""
        yield self.opts.pk.name
        if self.date_hierarchy:
            yield self.date_hierarchy
        for each in self.get_list_filter(request):
            name = each[0] if isinstance(each, list | tuple) else each
            name = name if isinstance(name, str) else getattr(name, "parameter_name", "")
            yield name.partition(LOOKUP_SEP)[0]
