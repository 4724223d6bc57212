"""What users can do with alerts, rules and channels, each with its entry in the audit trail."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from alerts.delivery import outbox
from alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule, Pending
from audit import trail
from audit.trail import Actor, Subject


@transaction.atomic
def acknowledge(alert: Alert, *, by: Actor) -> bool:
    """Record that someone is taking care of an open alert, which ends reminders; False if too late."""
    rows = Alert.objects.filter(pk=alert.pk, resolved_at=None, acknowledged_at=None)
    if not rows.update(acknowledged_at=timezone.now(), acknowledged_by=by.name[:150]):
        return False
    _record("alert acknowledged", alert, by=by)
    return True


@transaction.atomic
def resolve(alert: Alert, *, by: Actor) -> bool:
    """End an open alert about failures that someone has dealt with; False if it is too late."""
    rows = Alert.objects.filter(pk=alert.pk, resolved_at=None)
    if not alert.can_be_resolved or not rows.update(
        resolved_at=timezone.now(),
        resolution=f"Resolved by {by.name or 'the system'}.",
        pending=Pending.RESOLVED.value,
    ):
        return False
    _record("alert resolved", alert, by=by)
    return True


def _record(action: str, alert: Alert, *, by: Actor) -> None:
    trail.record(action, Subject("alert", str(alert.pk), str(alert)[:300]), by=by)


def send_test(channel: AlertChannel, *, by: Actor) -> AlertDelivery:
    """Send a test message now and return it with the outcome; it is not tried again."""
    with transaction.atomic():
        delivery = AlertDelivery.objects.create(
            channel=channel,
            channel_name=channel.name,
            is_test=True,
            attempts=1,
            next_attempt_at=timezone.now() + outbox.LEASE,
        )
        trail.record("test message sent", _channel_subject(channel), by=by)
    outbox.deliver(delivery)
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def try_again(delivery: AlertDelivery, *, by: Actor) -> bool:
    """Queue again a message that was given up; False if it was not."""
    failed = AlertDelivery.objects.filter(pk=delivery.pk, status="failed", is_test=False)
    if not failed.update(status="waiting", attempts=0, next_attempt_at=Now(), ended_at=None):
        return False
    subject = Subject("alert message", str(delivery.pk), str(delivery))
    trail.record("alert message queued again", subject, by=by)
    return True


def record_rule(action: str, rule: AlertRule, *, by: Actor, fields: Iterable[str] = ()) -> None:
    """Record an action on a rule."""
    subject = Subject("alert rule", str(rule.pk), rule.name)
    trail.record(action, subject, by=by, condition=rule.condition, fields=sorted(fields))


def record_channel(
    action: str, channel: AlertChannel, *, by: Actor, fields: Iterable[str] = ()
) -> None:
    """Record an action on a channel, without its URL and secret."""
    subject = _channel_subject(channel)
    trail.record(action, subject, by=by, type=channel.kind, fields=sorted(fields))


def _channel_subject(channel: AlertChannel) -> Subject:
    return Subject("alert channel", str(channel.pk), channel.name)
