"""Rules, channels and what they watch for, as rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from alerts.conditions import Condition
from alerts.models import Alert, AlertChannel, AlertRule, ChannelKind
from deployments.models import Deployment, StageRecord
from runs.index import writer
from runs.models import Run
from tests.deployments.factories import make_deployment
from tests.runs.examples import live_deployment, make_run

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_channel(kind: str = ChannelKind.WEBHOOK.value, **fields: Any) -> AlertChannel:
    values = {"name": f"channel {AlertChannel.objects.count()}", "kind": kind}
    if kind == ChannelKind.EMAIL.value:
        values["recipients"] = "ops@example.com"
    else:
        values |= {"url": "https://hooks.example.com/T000/secret-path", "secret": SECRET}
    return AlertChannel.objects.create(**values | fields)


def make_rule(
    condition: Condition = Condition.DEPLOYMENT_FAILED,
    *channels: AlertChannel,
    **fields: Any,
) -> AlertRule:
    values: dict[str, Any] = {
        "name": f"rule {AlertRule.objects.count()}",
        "condition": condition.value,
    }
    values["active_since"] = timezone.now() - timedelta(hours=1)
    rule = AlertRule.objects.create(**values | fields)
    rule.channels.set(channels)
    return rule


def end_deployment(
    status: str = "failed", *, after: Deployment | None = None, message: str = "no such account"
) -> Deployment:
    """A deployment that has ended, of the workflow and target of an earlier one."""
    values = {"status": status, "message": message}
    if after:
        deployment = make_deployment(workflow=after.workflow, target=after.target, **values)
    else:
        deployment = live_deployment(**values)
    stage = "COMPLETED" if status == "succeeded" else "FAILED"
    StageRecord.objects.create(deployment=deployment, number=1, stage=stage, progress=100)
    return deployment


def another(deployment: Deployment, **fields: Any) -> Deployment:
    """A live deployment of another workflow on the same target."""
    return make_deployment(target=deployment.target, **{"status": "succeeded", **fields})


def end_run(
    deployment: Deployment, status: str = "errored", *, at: datetime | None = None, **fields: Any
) -> Run:
    """A run that has ended just now, as the poller announces it."""
    at = at or timezone.now()
    values = {"status": status, "is_open": False, "created_at": at, "ended_at": at}
    run = make_run(deployment, **{"error": "Error: declined", **values} | fields)
    writer.announce([run])
    return run


def open_alerts() -> list[tuple[str, int, str]]:
    rows = Alert.objects.filter(resolved_at=None).order_by("pk")
    return [(alert.rule_name, alert.count, alert.reason) for alert in rows]
