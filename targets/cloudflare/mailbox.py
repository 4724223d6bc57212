"""The emails that Workers on the embedded platform sent, which it stores instead of delivering."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from targets.cloudflare.account import Account

SHOWN: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """An email as the Worker sent it; `html` is shown as text."""

    worker: str
    sender: str
    recipients: str
    subject: str
    sent_at: datetime
    text: str
    html: str


def list_emails(account: Account) -> tuple[list[Email], int]:
    """Return the account's newest emails, and the total number of its emails."""
    path = f"/accounts/{account.account_id}/local/emails"
    with account.explained("list the emails that Workers sent"):
        answer = account.client.get(f"{path}?per_page={SHOWN}", cast_to=httpx.Response)
        body = answer.json()
    return [_read(raw) for raw in body["result"]], int(body["result_info"]["total_count"])


def _read(raw: dict[str, Any]) -> Email:
    addresses = [*raw.get("to", []), *(raw.get("cc") or []), *(raw.get("bcc") or [])]
    return Email(
        worker=str(raw["worker"]),
        sender=str(raw["from"]),
        recipients=", ".join(addresses),
        subject=str(raw["subject"]),
        sent_at=datetime.fromisoformat(raw["sentAt"]),
        text=str(raw.get("text") or ""),
        html=str(raw.get("html") or ""),
    )
