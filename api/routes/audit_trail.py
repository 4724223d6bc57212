"""The audit trail, which can only be read."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router

from api.conventions.callers import ApiRequest
from api.conventions.operations import operation
from api.conventions.paging import page_of
from api.conventions.schema import ListOf, listed
from api.schemas.operations import EntryOut, EntryQuery, entry_of
from audit.models import Entry

VIEW = "audit.view_entry"
router = Router(tags=["Audit trail"])


@operation(router, "GET", "/audit", permission=VIEW, responses={200: ListOf[EntryOut]})
def list_audit_entries(request: ApiRequest, query: Query[EntryQuery]) -> dict[str, Any]:
    """List the entries of the audit trail, the newest first."""
    request.auth.require_all_workflows()
    request.auth.require_all_targets()
    conditions = {
        "action": query.action,
        "actor_name": query.by,
        "subject_kind": query.subject_kind,
        "subject_id": query.subject_id,
        "at__gte": query.since,
        "at__lt": query.until,
    }
    rows = Entry.objects.filter(**{name: value for name, value in conditions.items() if value})
    page = page_of(rows, query, order=("-pk",), name="audit")
    return listed([entry_of(row) for row in page.rows], page.next_cursor)
