"""Documents in the form that AwaitStep exports, with all of its idioms, and what their runs should do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "documents"
VARIABLES: Final = {
    "SHOP_TOKEN": "t-1",
    "SHOP_SECRET": "s-1",
    "TEAM_CHANNEL": "#team",
    "SLACK_BOT_TOKEN": "xoxb-1",
}
ADDRESSES: Final = ("SHOP_API", "MAIL_API", "STATS_API", "LOG_API")
"""The variables with the address of the server that answers all requests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A run and its output; `event` is sent when the run waits."""

    document: str
    payload: Any
    output: Any
    event: Mapping[str, Any] | None = None


def names() -> list[str]:
    """Return the names of all documents."""
    return sorted(path.name.removesuffix(".ir.json") for path in FOLDER.glob("*.ir.json"))


def document(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.ir.json").read_text("utf-8"))


def entry_code(name: str) -> str | None:
    path = FOLDER / f"{name}.entry.ts"
    return path.read_text("utf-8") if path.exists() else None


def _order(count: int) -> dict[str, Any]:
    lines = [{"price": 30, "count": count}, {"price": 5, "count": 2}]
    return {"id": "o-7", "shop": "north", "lines": lines}


def _shipped(count: int) -> dict[str, Any]:
    total = 30 * count + 10
    return {
        "charged": {"order": "o-7", "amount": total},
        "authorization": "Bearer t-1",
        "shipped": "/shipments?order=o-7&ref=%2Fcharges%2Fo-7&note=from+north",
        "total": total,
        "Load_order": {"id": "o-7", "total": total, "lines": _order(count)["lines"]},
    }


def _approved(**payload: Any) -> dict[str, Any]:
    return {"type": "expense-approved", "payload": payload}


_PAID: Final = {
    "method": "PUT",
    "path": "/orders/o-7",
    "sent": {"order": "o-7", "state": "paid"},
    "secret": "s-1",
}
RUNS: Final = (
    Expected(document="order", payload=_order(4), output=_shipped(4)),
    Expected(document="order", payload=_order(1), output=_shipped(1)),
    Expected(
        document="approval",
        payload={"amount": 40, "by": "Ada"},
        event=_approved(approved=True, who="Grace"),
        output={"result": "paid 40 to Ada", "approver": "Grace"},
    ),
    Expected(
        document="approval",
        payload={"amount": 40, "by": "Ada"},
        event=_approved(approved=False, who="Grace", reason="too much"),
        output={"result": "refused: too much", "approver": "Grace"},
    ),
    Expected(
        document="drip",
        payload={"email": "ada@example.com"},
        output={
            "last": {"mail": "offer", "sent": 2},
            "final": {"to": "ada@example.com", "last": {"mail": "offer", "sent": 2}},
        },
    ),
    Expected(
        document="report",
        payload={"schedule": {"day": "2026-03-04"}},
        output={
            "Day": "2026-03-04",
            "hash": "ec6793",
            "last": "/pages?day=2026-03-04&page=2&key=ec6793",
        },
    ),
    Expected(document="webhook", payload={"type": "paid", "order": "o-7"}, output=_PAID),
    Expected(
        document="webhook",
        payload={"type": "refunded", "order": "o-8"},
        output={
            **_PAID,
            "path": "/orders/o-8",
            "sent": {"order": "o-8", "state": "refunded"},
        },
    ),
    Expected(
        document="fan-out",
        payload={"sku": "mug"},
        output={
            "best": {"price": 9, "shop": "north"},
            "shops": ["north", "south", "own"],
            "Own_price": {"price": 12, "shop": "own"},
        },
    ),
    Expected(
        document="queue-consumer", payload={"sku": "mug", "count": 2}, output="reserved 2 of mug"
    ),
    Expected(document="queue-consumer", payload={"sku": "mug", "count": 0}, output="reordered mug"),
    Expected(
        document="cleanup",
        payload={"limit": 3},
        output={"last": {"batch": 2, "deleted": 30}, "start": {"limit": 3}},
    ),
    Expected(
        document="cleanup",
        payload={"limit": 3, "failsAt": 1},
        output={"failed": "batch 1 failed", "start": {"limit": 3}},
    ),
    Expected(
        document="invoices",
        payload={"customers": ["Ada", "Grace"], "month": 3},
        output={"lines": ["Ada: 3-Ada", "Grace: 3-Grace"], "archived": "string"},
    ),
    Expected(
        document="race",
        payload={"text": "why"},
        output={"won": "cached: why", "words": 3},
    ),
    Expected(
        document="custom-nodes",
        payload={"app": "shop", "ok": True, "by": "Ada"},
        output={"first": "1.5", "reply": "C1"},
    ),
)
