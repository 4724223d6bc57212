"""The ways to send a message: by e-mail, to Slack, or to a webhook."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.message import BadHeaderError
from standardwebhooks import Webhook

from alerts.delivery import guarded_http, notices
from alerts.delivery.guarded_http import NotSent, Refused
from alerts.delivery.notices import Notice
from alerts.masking import CurrentMasks
from alerts.models import AlertChannel, AlertDelivery, ChannelKind
from audit.encrypted_fields import UnreadableSecret

NO_MAIL_SERVER: Final = "No mail server is configured: set AWAITSTEP_EMAIL_HOST."
_GONE: Final = 410
_JSON: Final = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How an attempt ended; `error` is "" if the message was accepted."""

    error: str = ""
    code: int | None = None
    retry_after: float | None = None
    is_final: bool = False
    """Whether another attempt would be pointless."""


def send(channel: AlertChannel, delivery: AlertDelivery) -> Outcome:
    """Send a message and return the outcome. The outcome never contains a secret."""
    try:
        return _SENDERS[ChannelKind(channel.kind)](channel, delivery)
    except Refused as refused:
        return Outcome(error=str(refused), is_final=True)
    except NotSent as failure:
        return Outcome(error=str(failure))
    except UnreadableSecret as unreadable:
        return Outcome(error=str(unreadable), is_final=True)


def _read(delivery: AlertDelivery) -> list[Notice]:
    """Return what the message says, without what has become a secret since it was queued."""
    masks, found = CurrentMasks(), map(Notice.of_row, delivery.notices)
    return [
        replace(notice, reason=masks.hide(notice.reason, notice.workflow_id)) for notice in found
    ]


def _email(channel: AlertChannel, delivery: AlertDelivery) -> Outcome:
    if not settings.EMAIL_HOST:
        return Outcome(error=NO_MAIL_SERVER)
    found = _read(delivery)
    sender = settings.DEFAULT_FROM_EMAIL
    domain = sender.rpartition("@")[2].rstrip(">") or "awaitstep"
    message = EmailMessage(
        subject=notices.subject_line(found, is_test=delivery.is_test),
        body=notices.plain_text(found, is_test=delivery.is_test),
        from_email=sender,
        to=channel.addresses,
        headers={"Message-ID": f"<{delivery.message_id}@{domain}>"},
    )
    try:
        message.send()
    except smtplib.SMTPResponseException as error:
        return Outcome(error="The mail server refused the message.", code=error.smtp_code)
    except smtplib.SMTPRecipientsRefused:
        return Outcome(error="The mail server refused the recipients.")
    except (smtplib.SMTPException, OSError):
        return Outcome(error="The mail server cannot be reached.")
    except (BadHeaderError, UnicodeError):
        return Outcome(error="An address is not valid.", is_final=True)
    return Outcome()


def _slack(channel: AlertChannel, delivery: AlertDelivery) -> Outcome:
    body = json.dumps(notices.slack_body(_read(delivery), is_test=delivery.is_test)).encode()
    return _post(channel, body, _JSON)


def _webhook(channel: AlertChannel, delivery: AlertDelivery) -> Outcome:
    body = json.dumps(
        notices.webhook_body(
            _read(delivery),
            is_test=delivery.is_test,
            created_at=delivery.created_at.astimezone(UTC).isoformat(),
        )
    )
    now = datetime.now(UTC)
    signature = Webhook(channel.secret).sign(delivery.message_id, now, body)
    headers = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return _post(channel, body.encode(), {**_JSON, **headers})


def _post(channel: AlertChannel, body: bytes, headers: Mapping[str, str]) -> Outcome:
    allowed = settings.AWAITSTEP.alert_private_addresses
    answer = guarded_http.post(channel.url, body, headers, allows_private=allowed)
    if answer.is_success:
        return Outcome(code=answer.status)
    if 300 <= answer.status < 400:
        error = "The receiver responded with a redirect, which is not followed."
    elif answer.status == _GONE:
        error = "The receiver says that this address is gone for good."
    else:
        error = f"The receiver responded with status {answer.status}."
    return Outcome(
        error=error,
        code=answer.status,
        retry_after=answer.retry_after,
        is_final=answer.status == _GONE,
    )


_SENDERS: Final[dict[ChannelKind, Callable[[AlertChannel, AlertDelivery], Outcome]]] = {
    ChannelKind.EMAIL: _email,
    ChannelKind.SLACK: _slack,
    ChannelKind.WEBHOOK: _webhook,
}
