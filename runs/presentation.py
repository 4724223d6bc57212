"""How a run is told to a person: its tone, its time, what can be done with it, filters in words."""

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
ACTION_WORDS: Final = {
    "pause": "Pause",
    "resume": "Resume",
    "restart": "Restart",
    "terminate": "Terminate",
    "delete": "Delete",
    "start": "Start",
}
ACTION_DONE: Final = {
    "pause": "is paused: what goes on now is finished first",
    "resume": "goes on",
    "restart": "begins anew",
    "terminate": "was terminated",
    "delete": "was deleted at its target",
}


def refusal(refused: DeployError, done: str) -> dict[str, str]:
    """Return the context of a refusal; where no answer came, nobody knows that nothing was `done`."""
    is_unknown = refused.cause is Cause.UNREACHABLE
    headline = f"No answer came: it may have been {done}" if is_unknown else f"Nothing was {done}"
    return {"refusal": str(refused), "headline": headline}


def tone(status: str) -> Tone:
    """Return the tone of a status, which may be one that nobody here knows."""
    return _TONES.get(status, _UNKNOWN)


def actions_of(run: Run) -> tuple[str, ...]:
    """Return what fits the state of the run; nothing where the target keeps it no more."""
    return () if run.gone_at else statuses.actions(run.status)


def seconds(run: Run, now: datetime) -> float | None:
    """How long the run took, or has taken so far."""
    if run.seconds is not None:
        return run.seconds
    if run.is_open and run.started_at:
        return max((now - run.started_at).total_seconds(), 0)
    return None


def page_title(run: Run) -> str:
    """The title of a window: "✗ Errored · Orders"."""
    name = run.workflow.name if run.workflow else run.workflow_name
    return f"{tone(run.status).mark} {run.status_label} · {name}"


def became(action: str, *, done: int, there: int) -> str:
    """Say what became of many runs: "1 started, 2 were there already"."""
    told = f"{done:,} {'started' if action == 'start' else 'done'}"
    return f"{told}, {there:,} {'was' if there == 1 else 'were'} there already" if there else told


def filter_words(filters: Filters, workflow_name: str) -> str:
    """Say which runs a list is narrowed to: "errored runs of Orders, started by API"."""
    labels = [statuses.label(one).lower() for one in filters.status.split(",") if one]
    states = " or ".join(labels)
    words = [f"{states} runs" if states else "runs in every state"]
    words[0] += f" of {workflow_name}" if workflow_name else " of all workflows"
    words += [f"on the target {filters.target}"] if filters.target else []
    words += [f"started by {statuses.trigger_label(filters.trigger)}"] if filters.trigger else []
    words += [f"since {filters.since}"] if filters.since else []
    words += [f"before {filters.until}"] if filters.until else []
    words += [f"whose id begins with {filters.id}"] if filters.id else []
    words += [f"whose payload, output or error holds “{filters.q}”"] if filters.q else []
    words += [_with_step(filters)] if filters.step else []
    words += [f"that took {filters.took} seconds or longer"] if filters.took else []
    return ", ".join(words)


def _with_step(filters: Filters) -> str:
    again = f", tried {filters.tries} times or more" if filters.tries else ""
    return f"that ended and have the step “{filters.step}”{again}"
