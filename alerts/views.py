"""The pages of alerts: what fired and why, and the messages about it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages as page_messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from alerts import services
from alerts.delivery.senders import NO_MAIL_SERVER
from alerts.masking import CurrentMasks
from alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule, ChannelKind, DeliveryStatus
from alerts.permissions import ACKNOWLEDGE, CHANGE_CHANNEL, VIEW
from audit.trail import Actor
from web.converters import read_key
from web.decorators import HttpRequest, redirect_get_to, staff_with
from web.rendering import live_page

_PER_PAGE: Final = 50
_RECENT: Final = timedelta(days=7)
_TOO_LATE: Final = "The alert has changed in the meantime: nothing was done."


@require_safe
@staff_with(VIEW)
def alerts(request: HttpRequest) -> HttpResponse:
    """The open alerts, or the resolved ones, newest first."""
    shows_resolved = request.GET.get("show") == "resolved"
    found = Alert.objects.filter(resolved_at__isnull=not shows_resolved)
    shown, following = _page(request, found.select_related("deployment", "run", "rule"))
    context = {
        "here": "resolved" if shows_resolved else "open",
        "alerts": _masked(shown),
        "next": following,
        "has_rules": bool(shown) or AlertRule.objects.filter(enabled=True).exists(),
        **_common(request),
    }
    return live_page(request, "alerts/alerts", context)


@require_safe
@staff_with(VIEW)
def messages(request: HttpRequest) -> HttpResponse:
    """The messages that were sent, are waiting, or were given up, newest first."""
    found = AlertDelivery.objects.select_related("channel").prefetch_related("alerts")
    shown, following = _page(request, found.defer("channel__url", "channel__secret"))
    context = {"here": "messages", "deliveries": shown, "next": following, **_common(request)}
    return live_page(request, "alerts/messages", context)


@require_safe
@staff_with(VIEW)
def alert(request: HttpRequest, pk: int) -> HttpResponse:
    """An alert with its messages."""
    shown = get_object_or_404(Alert.objects.select_related("deployment", "run", "rule"), pk=pk)
    deliveries = shown.deliveries.defer("notices")[:_PER_PAGE]
    context = {"alert": _masked([shown])[0], "deliveries": deliveries, **_common(request)}
    return live_page(request, "alerts/alert", context)


def _masked(found: list[Alert]) -> list[Alert]:
    """Return the alerts without what has become a secret since they fired."""
    masks = CurrentMasks()
    for each in found:
        workflow, _, _ = each.subject.partition(":")  # also of one that was deleted
        each.reason = masks.hide(each.reason, workflow)
    return found


def _page(request: HttpRequest, rows: QuerySet[Any]) -> tuple[list[Any], int | None]:
    """Return the rows after the key in the query, and the key after which the next page starts."""
    before = read_key(request.GET.get("before", ""))
    rows = rows.filter(pk__lt=before) if before is not None else rows
    found = list(rows.order_by("-pk")[: _PER_PAGE + 1])
    return found[:_PER_PAGE], found[_PER_PAGE - 1].pk if len(found) > _PER_PAGE else None


def _common(request: HttpRequest) -> dict[str, Any]:
    """Return what all of the pages show: what keeps messages from being sent, and what the user may do."""
    has_email = AlertChannel.objects.filter(kind=ChannelKind.EMAIL.value).exists()
    failed = AlertDelivery.objects.filter(
        status=DeliveryStatus.FAILED.value, is_test=False, ended_at__gt=timezone.now() - _RECENT
    )
    return {
        "failed_count": failed.count(),
        "mail_problem": NO_MAIL_SERVER if has_email and not settings.EMAIL_HOST else "",
        "may_acknowledge": request.user.has_perm(ACKNOWLEDGE),
    }


def _alert_page(_request: HttpRequest, pk: int) -> str:
    return reverse("alerts:alert", args=[pk])


@redirect_get_to(_alert_page)
@staff_with(ACKNOWLEDGE)
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that the user is taking care of the alert."""
    found = get_object_or_404(Alert, pk=pk)
    if not services.acknowledge(found, by=Actor.of(request.user)):
        page_messages.warning(request, _TOO_LATE)
    return redirect(_alert_page(request, pk))


@redirect_get_to(_alert_page)
@staff_with(ACKNOWLEDGE)
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """End the alert."""
    found = get_object_or_404(Alert, pk=pk)
    if not services.resolve(found, by=Actor.of(request.user)):
        page_messages.warning(request, _TOO_LATE)
    return redirect(_alert_page(request, pk))


def _messages_page(_request: HttpRequest, **_kwargs: Any) -> str:
    return reverse("alerts:messages")


@redirect_get_to(_messages_page)
@staff_with(ACKNOWLEDGE)
def send_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue again a message that was given up."""
    delivery = get_object_or_404(AlertDelivery, pk=pk)
    if services.try_again(delivery, by=Actor.of(request.user)):
        page_messages.success(
            request, f"The message to {delivery.channel_name} will be sent again."
        )
    return redirect("alerts:messages")


def _channel_page(_request: HttpRequest, pk: int) -> str:
    return reverse("admin:alerts_alertchannel_change", args=[pk])


@redirect_get_to(_channel_page)
@staff_with(CHANGE_CHANNEL)
def test_channel(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a test message now, and report whether it was accepted."""
    channel = get_object_or_404(AlertChannel, pk=pk)
    delivery = services.send_test(channel, by=Actor.of(request.user))
    if delivery.status == DeliveryStatus.SENT.value:
        page_messages.success(request, f"The test message to {channel} was accepted.")
    else:
        page_messages.error(
            request, f"The test message to {channel} was not sent: {delivery.error}"
        )
    return redirect(_channel_page(request, pk))
