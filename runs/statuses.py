"""The statuses of a run. Cloudflare may add more, so unknown ones are shown as they are."""

from __future__ import annotations

from typing import Final

FINAL: Final = ("complete", "errored", "terminated")
OPEN: Final = ("queued", "running", "waiting", "paused", "waitingForPause", "rollingBack")
KNOWN: Final = (*OPEN, *FINAL)

_LABELS: Final = {
    "waitingForPause": "Waiting for pause",
    "rollingBack": "Rolling back",
}
TRIGGERS: Final = {
    "api": "API",
    "binding": "Binding",
    "event": "Event",
    "cron": "Cron",
    "queue": "Queue",
    "http": "HTTP",
    "unknown": "Unknown",
}

_USUAL_ACTIONS: Final = ("pause", "restart", "terminate", "delete")
_PAUSED_ACTIONS: Final = ("resume", "restart", "terminate", "delete")
_ACTIONS: Final = {
    "paused": _PAUSED_ACTIONS,
    "waitingForPause": _PAUSED_ACTIONS,
    "rollingBack": ("terminate", "delete"),
    **dict.fromkeys(FINAL, ("restart", "delete")),
}


def actions(status: str) -> tuple[str, ...]:
    """Return the actions that the status allows; an unknown status counts as running."""
    return _ACTIONS.get(status, _USUAL_ACTIONS)


def label(status: str) -> str:
    """Return the status in words."""
    return _LABELS.get(status, status.capitalize())


def trigger_label(trigger: str) -> str:
    """Return the trigger in words."""
    return TRIGGERS.get(trigger, trigger.capitalize())


def is_final(status: str) -> bool:
    """Return whether a run with this status has ended."""
    return status in FINAL
