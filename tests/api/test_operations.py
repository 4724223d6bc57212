"""The audit trail and alerts."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from alerts.models import Alert
from audit import trail
from audit.trail import SYSTEM, Subject
from tests.api.callers import key_client, make_user, superuser_client
from tests.deployments.factories import make_workflow

pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"content_type": "application/json"}


def make_alert(condition: str = "run_failed", **fields: Any) -> Alert:
    now = timezone.now()
    times = {"fired_at": now, "last_seen_at": now}
    return Alert.objects.create(condition=condition, rule_name="Failures", **times | fields)


def test_the_trail_is_listed_and_filtered() -> None:
    for name in ("one", "two"):
        trail.record("thing tried", Subject("thing", name, name), by=SYSTEM, size=7)
    client = superuser_client()

    tried = client.get("/api/audit", {"action": "thing tried", "limit": "1"}).json()
    one = client.get("/api/audit", {"subjectKind": "thing", "subjectId": "one"}).json()["data"]

    assert tried["data"][0]["subjectId"] == "two"
    assert tried["nextCursor"]
    assert [(entry["action"], entry["detail"]) for entry in one] == [("thing tried", {"size": 7})]
    assert client.get("/api/audit", {"until": "2020-01-01T00:00:00Z"}).json()["data"] == []


def test_the_trail_is_not_for_everyone() -> None:
    assert key_client(make_user("ada")).get("/api/audit").status_code == 403
    assert superuser_client(workflows=[make_workflow().pk]).get("/api/audit").status_code == 403


def test_an_alert_is_acknowledged_and_resolved_once() -> None:
    alert, client = make_alert(), superuser_client()
    address = f"/api/alerts/{alert.pk}"

    acknowledged = client.post(f"{address}/acknowledge", {}, **JSON)
    again = client.post(f"{address}/acknowledge", {}, **JSON)
    resolved = client.post(f"{address}/resolve", {}, **JSON)

    assert (acknowledged.json()["acknowledgedBy"], again.status_code) == ("root", 409)
    assert resolved.json()["resolution"] == "Resolved by root."
    assert client.post(f"{address}/resolve", {}, **JSON).status_code == 409


def test_alerts_are_listed_and_filtered() -> None:
    workflow = make_workflow()
    opened = make_alert(workflow=workflow)
    closed = make_alert(resolved_at=timezone.now())
    client, restricted = (
        superuser_client(),
        key_client(make_user("ada", is_superuser=True), workflows=[workflow.pk]),
    )

    def listed(client: Any, **query: str) -> list[str]:
        return [row["id"] for row in client.get("/api/alerts", query).json()["data"]]

    assert listed(client) == [str(closed.pk), str(opened.pk)]
    assert listed(client, open="true") == listed(restricted) == [str(opened.pk)]
    assert listed(client, workflowId=workflow.pk) == [str(opened.pk)]
    assert client.get(f"/api/alerts/{closed.pk}").json()["condition"] == "run_failed"
    assert restricted.get(f"/api/alerts/{closed.pk}").status_code == 403
