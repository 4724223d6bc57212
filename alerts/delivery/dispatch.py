"""Turns news about alerts into messages: one for each channel, outside of quiet hours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from alerts.delivery.notices import Notice
from alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule, Pending

_AT_ONCE: Final = 500  # alerts in one transaction; the next call continues
_HOUR: Final = timedelta(hours=1)


def dispatch(now: datetime | None = None) -> None:
    """Queue the messages that are due. What quiet hours hold back stays pending until they end."""
    now = now or timezone.now()
    _mark_reminders(now)
    pending = Alert.objects.exclude(pending="").exclude(rule__in=_quiet_rules(now))
    if not pending.exists():
        return
    with transaction.atomic():
        alerts = list(_locked(pending))
        for channel, its_alerts in _by_channel(alerts):
            delivery = AlertDelivery.objects.create(
                channel=channel,
                channel_name=channel.name,
                notices=[_notice(alert).as_row() for alert in its_alerts],
            )
            delivery.alerts.set(its_alerts)
        rows = Alert.objects.filter(pk__in=[alert.pk for alert in alerts])
        rows.update(pending=Pending.NOTHING.value, notified_at=now)


def _mark_reminders(now: datetime) -> None:
    """Mark the open alerts whose last message is older than their rule's interval for reminders."""
    notified = Alert.objects.filter(
        resolved_at=None,
        acknowledged_at=None,
        pending="",
        notified_at__lt=now - _HOUR,
        rule__reminder_hours__gt=0,
    )
    due = [
        pk
        for pk, notified_at, hours in notified.values_list(
            "pk", "notified_at", "rule__reminder_hours"
        )
        if notified_at and notified_at <= now - timedelta(hours=hours)
    ]
    if due:
        Alert.objects.filter(pk__in=due, resolved_at=None, pending="").update(
            pending=Pending.REMINDER.value
        )


def _quiet_rules(now: datetime) -> list[int]:
    """Return the rules whose quiet hours are now."""
    rules = AlertRule.objects.filter(quiet_from__isnull=False)
    return [rule.pk for rule in rules if rule.quiet_hours and rule.quiet_hours.include(now)]


def _locked(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """Return some of the alerts, locked until the transaction ends."""
    rows = alerts.select_for_update(of=("self",)).select_related("rule")
    return rows.prefetch_related("rule__channels").order_by("pk")[:_AT_ONCE]


def _by_channel(alerts: Iterable[Alert]) -> Iterator[tuple[AlertChannel, list[Alert]]]:
    """Yield each channel with its alerts."""
    channels: dict[int, AlertChannel] = {}
    found: dict[int, list[Alert]] = {}
    for alert in alerts:
        for channel in alert.rule.channels.all() if alert.rule else ():
            channels[channel.pk] = channel
            found.setdefault(channel.pk, []).append(alert)
    yield from ((channels[pk], alerts_of) for pk, alerts_of in found.items())


def _notice(alert: Alert) -> Notice:
    return Notice(
        alert=alert.pk,
        event=alert.pending,
        rule=alert.rule_name,
        condition=alert.condition,
        workflow=alert.workflow_name,
        workflow_id=alert.workflow_id or "",
        target=alert.target_name,
        reason=alert.reason,
        resolution=alert.resolution,
        count=alert.count,
        fired_at=_text(alert.fired_at),
        resolved_at=_text(alert.resolved_at),
        url=_address(alert),
    )


def _address(alert: Alert) -> str:
    site = settings.AWAITSTEP.site_url
    return f"{site}{alert.get_absolute_url()}" if site else ""


def _text(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds") if moment else ""
