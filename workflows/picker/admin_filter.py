"""The filter of admin lists by workflow."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict

from workflows.picker.matching import MAX_MATCHES, label_of, resolve


class WorkflowFilter(admin.SimpleListFilter):
    """A text field instead of a link for each workflow; an ambiguous text selects all its matches."""

    title = "workflow"
    parameter_name = "workflow__id__exact"
    template = "workflows/picker/admin_filter.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return []

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Any:
        """Yield what the template shows: the text, and the other filters as hidden fields."""
        found = resolve(self.value() or "")
        params = changelist.get_query_string(remove=[self.parameter_name, "p"]).removeprefix("?")
        yield {
            "name": self.parameter_name,
            "text": label_of(found[0]) if len(found) == 1 else self.value() or "",
            "limit": MAX_MATCHES if len(found) == MAX_MATCHES else None,
            "others": list(QueryDict(params).items()),
            "query_string": f"?{params}",
        }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.value():
            return queryset
        found = resolve(self.value() or "")
        if len(found) == 1:  # with `=`, databases read an index in the order of the list
            return queryset.filter(workflow=found[0].pk)
        return queryset.filter(workflow__in=[workflow.pk for workflow in found])
