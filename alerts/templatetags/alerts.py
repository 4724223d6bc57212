"""Tags for the templates of alerts."""

from __future__ import annotations

from typing import Any, Final

from django import template

from alerts.models import Alert, AlertDelivery, DeliveryStatus
from web.tones import Tone

register = template.Library()

_RESOLVED: Final = Tone("check", "good", "✓")
_ACKNOWLEDGED: Final = Tone("user", "warn", "◐")
_OPEN: Final = Tone("alert", "bad", "✗")
_DELIVERIES: Final = {
    DeliveryStatus.WAITING: Tone("clock", "busy", "…"),
    DeliveryStatus.SENT: Tone("check", "good", "✓"),
    DeliveryStatus.FAILED: Tone("cross", "bad", "✗"),
}


@register.inclusion_tag("web/_status.html")
def alert_status(alert: Alert) -> dict[str, Any]:
    """Whether the alert is open, acknowledged or resolved."""
    if alert.resolved_at:
        return {"label": "Resolved", "tone": _RESOLVED}
    if alert.acknowledged_at:
        return {"label": "Acknowledged", "tone": _ACKNOWLEDGED}
    return {"label": "Open", "tone": _OPEN}


@register.inclusion_tag("web/_status.html")
def delivery_status(delivery: AlertDelivery) -> dict[str, Any]:
    """Whether the message was sent."""
    status = DeliveryStatus(delivery.status)
    return {"label": status.label, "tone": _DELIVERIES[status]}
