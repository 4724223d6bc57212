"""The states of a run, which Cloudflare may add to: what is not known here is shown as it is."""

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
    """Return what a run of this status can be told; one that is not known here goes on."""
    return _ACTIONS.get(status, _USUAL_ACTIONS)


def label(status: str) -> str:
    """Return the word for a status."""
    return _LABELS.get(status, status.capitalize())


def trigger_label(trigger: str) -> str:
    return TRIGGERS.get(trigger, trigger.capitalize())


def is_final(status: str) -> bool:
    return status in FINAL
