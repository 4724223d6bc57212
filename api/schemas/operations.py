"""Entries of the audit trail, and alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, Field

from alerts.models import Alert
from api.conventions.paging import Paging
from api.conventions.schema import ApiSchema
from audit.models import Entry


class EntryQuery(Paging):
    """Which entries."""

    action: str = Field("", max_length=60)
    by: str = Field("", max_length=150)
    subject_kind: str = Field("", max_length=40)
    subject_id: str = Field("", max_length=64)
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None


class EntryOut(ApiSchema):
    """Who did what to which object. A refusal that is repeated within an hour is counted."""

    id: str
    at: datetime
    by: str
    action: str
    subject_kind: str
    subject_id: str
    subject_name: str
    reason: str
    detail: dict[str, Any]
    count: int
    last_at: datetime | None


class AlertQuery(Paging):
    """Which alerts; with `open`, only those that are open, or only those that are not."""

    open: bool | None = None
    workflow_id: str = Field("", max_length=20)


class AlertOut(ApiSchema):
    """A rule that fired, until that is resolved. `count` is the number of failures."""

    id: str
    rule: str
    condition: str
    workflow_id: str | None
    workflow_name: str
    connection_id: str | None
    connection_name: str
    deployment_id: str | None
    run_id: str | None
    reason: str
    count: int
    fired_at: datetime
    last_seen_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str
    resolved_at: datetime | None
    resolution: str


def entry_of(entry: Entry) -> dict[str, Any]:
    """Return an entry of the audit trail."""
    same = (
        *("at", "action", "subject_kind", "subject_id", "subject_name"),
        *("reason", "detail", "count", "last_at"),
    )
    return {
        "id": str(entry.pk),
        "by": entry.actor_name,
        **{name: getattr(entry, name) for name in same},
    }


def alert_of(alert: Alert) -> dict[str, Any]:
    """Return an alert."""
    same = (
        *("condition", "workflow_id", "workflow_name", "reason", "count", "fired_at"),
        *("last_seen_at", "acknowledged_at", "acknowledged_by", "resolved_at", "resolution"),
    )
    return {
        "id": str(alert.pk),
        "rule": alert.rule_name,
        "connection_id": str(alert.target_id) if alert.target_id else None,
        "connection_name": alert.target_name,
        "deployment_id": str(alert.deployment_id) if alert.deployment_id else None,
        "run_id": str(alert.run_id) if alert.run_id else None,
        **{name: getattr(alert, name) for name in same},
    }
