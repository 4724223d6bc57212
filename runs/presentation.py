"""A run as users see it: its tone, duration and actions, and filters in words."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from runs import statuses
from runs.index.listing import Filters
from runs.models import Run
from targets.cloudflare.errors import Cause, DeployError
from web.tones import Tone

_TONES: Final = {
    "queued": Tone("clock", "quiet", "…"),
    "running": Tone("ring", "busy", "●"),
    "waiting": Tone("pause", "busy", "◔"),
    "paused": Tone("pause", "warn", "‖"),
    "waitingForPause": Tone("pause", "warn", "‖"),
    "rollingBack": Tone("retry", "warn", "↺"),
    "complete": Tone("check", "good", "✓"),
    "errored": Tone("cross", "bad", "✗"),
    "terminated": Tone("stop", "quiet", "◌"),
}
_UNKNOWN: Final = Tone("dot", "quiet", "·")
ACTION_LABELS: Final = {
    "pause": "Pause",
    "resume": "Resume",
    "restart": "Restart",
    "terminate": "Terminate",
    "delete": "Delete",
    "start": "Start",
}
ACTION_DONE: Final = {
    "pause": "is pausing: the running step finishes first",
    "resume": "was resumed",
    "restart": "was restarted",
    "terminate": "was terminated",
    "delete": "was deleted on its target",
}


def refusal_context(error: DeployError, done: str) -> dict[str, str]:
    """Return the context of an error; without a response, the action may still have been `done`."""
    if error.cause is Cause.UNREACHABLE:
        headline = f"No response: it may have been {done}"
    else:
        headline = f"Nothing was {done}"
    return {"refusal": str(error), "headline": headline}


def tone(status: str) -> Tone:
    """Return the tone of a status, even of an unknown one."""
    return _TONES.get(status, _UNKNOWN)


def available_actions(run: Run) -> tuple[str, ...]:
    """Return the actions that the run's status allows; none if the target no longer has it."""
    return () if run.gone_at else statuses.actions(run.status)


def seconds(run: Run, now: datetime) -> float | None:
    """Return the run's duration, or how long it has been running."""
    if run.seconds is not None:
        return run.seconds
    if run.is_open and run.started_at:
        return max((now - run.started_at).total_seconds(), 0)
    return None


def page_title(run: Run) -> str:
    """Return the title of the page: "✗ Errored · Orders"."""
    name = run.workflow.name if run.workflow else run.workflow_name
    return f"{tone(run.status).mark} {run.status_label} · {name}"


def bulk_result(action: str, *, done: int, existing: int) -> str:
    """Return the result of a bulk change in words: "1 started, 2 already existed"."""
    words = f"{done:,} {'started' if action == 'start' else 'done'}"
    return f"{words}, {existing:,} already existed" if existing else words


def filter_words(filters: Filters, workflow_name: str) -> str:
    """Return the filters in words: "errored runs of Orders, started by API"."""
    labels = [statuses.label(name).lower() for name in filters.status.split(",") if name]
    states = " or ".join(labels)
    words = [f"{states} runs" if states else "runs"]
    words[0] += f" of {workflow_name}" if workflow_name else " of all workflows"
    words += [f"of its Workflow {filters.name}"] if filters.name else []
    words += [f"on the target {filters.target}"] if filters.target else []
    words += [f"started by {statuses.trigger_label(filters.trigger)}"] if filters.trigger else []
    words += [f"since {filters.since}"] if filters.since else []
    words += [f"before {filters.until}"] if filters.until else []
    words += [f"with an id starting with {filters.id}"] if filters.id else []
    words += [f"with “{filters.q}” in the payload, output or error"] if filters.q else []
    words += [f"with an error starting with “{filters.error}”"] if filters.error else []
    words += ["that nobody has looked at"] if filters.unseen else []
    words += [_with_step(filters)] if filters.step else []
    words += [f"that took at least {filters.took} seconds"] if filters.took else []
    return ", ".join(words)


def _with_step(filters: Filters) -> str:
    attempts = f" with at least {filters.tries} attempts" if filters.tries else ""
    return f"that have ended and include the step “{filters.step}”{attempts}"
