"""How a deployment is told to a person: times, tones, the ten stages, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from deployments.stages import Action, Stage, Status, Uploaded

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


class Record(Protocol):
    """A stage record, as far as it is shown."""

    number: int
    stage: str
    message: str
    entered_at: datetime


class Attempt(Protocol):
    """A deployment, as far as it is shown."""

    status: str
    stage: str
    uploaded: str
    live_version: str
    live_before: str
    workflow_name: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def percent(self) -> int: ...
    @property
    def work(self) -> Action: ...


def duration(time: timedelta | float | None) -> str:
    """Say how long something took: "12 ms", "1.4 s", "2 m 05 s", "1 h 02 m"; "" if not known."""
    if time is None:
        return ""
    seconds = time.total_seconds() if isinstance(time, timedelta) else time
    if seconds < 0.095:
        return f"{max(round(seconds * 1000), 0)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if seconds < _HOUR - 0.5:
        return "{} m {:02} s".format(*divmod(round(seconds), _MINUTE))
    return "{} h {:02} m".format(*divmod(round(seconds / _MINUTE), _MINUTE))


def elapsed(seconds: float) -> str:
    """Say how long something has taken so far, in whole seconds: the page counts on from it."""
    whole = int(max(seconds, 0))
    return f"{whole} s" if whole < _MINUTE else duration(float(whole))


def ago(moment: datetime, now: datetime) -> str:
    """Say when something was: "just now", "3 min ago", "5 h ago", "2 days ago"."""
    seconds = (now - moment).total_seconds()
    if seconds < 45:
        return "just now"
    if seconds < _HOUR:
        return f"{max(round(seconds / _MINUTE), 1)} min ago"
    if seconds < _DAY:
        return f"{round(seconds / _HOUR)} h ago"
    days = round(seconds / _DAY)
    return "1 day ago" if days == 1 else f"{days} days ago"


def time_taken(attempt: Attempt) -> timedelta | None:
    """How long a deployment ran; None where it never began or has not ended."""
    if attempt.started_at is None or attempt.finished_at is None:
        return None
    return attempt.finished_at - attempt.started_at


@dataclass(frozen=True, slots=True)
class Tone:
    """The icon, the class of colour and the mark in a window's title of a status."""

    icon: str
    colour: str
    mark: str

    @property
    def css(self) -> str:
        return f"tone-{self.colour}"


TONES = {
    Status.QUEUED: Tone("clock", "quiet", "…"),
    Status.RUNNING: Tone("ring", "busy", "●"),
    Status.SUCCEEDED: Tone("check", "good", "✓"),
    Status.FAILED: Tone("cross", "bad", "✗"),
    Status.PARTIAL: Tone("half", "warn", "◐"),
    Status.INTERRUPTED: Tone("bolt", "warn", "⚡"),
    Status.CANCELLED: Tone("bar", "quiet", "◌"),
    Status.SUPERSEDED: Tone("bar", "quiet", "◌"),
}


def page_title(attempt: Attempt) -> str:
    """The title of a window: "✓ Succeeded · Orders", "65 % · Orders"."""
    status = Status(attempt.status)
    if status is Status.RUNNING:
        return f"{attempt.percent} % · {attempt.workflow_name}"
    return f"{TONES[status].mark} {status.label} · {attempt.workflow_name}"


def announcement(attempt: Attempt) -> str:
    """What a screen reader says when the page changes: a stage, or the end."""
    status = Status(attempt.status)
    if not attempt.stage or status is Status.QUEUED:
        return f"{attempt.workflow_name}: {status.label}"
    stage = Stage(attempt.stage)
    if status is Status.RUNNING:
        return f"{stage.label}, {stage.percent} percent"
    if status is Status.SUCCEEDED:
        return f"{attempt.workflow_name} is deployed"
    return f"{status.label} at {stage.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One of the ten stages on the page; `state` is done, current, failed, stopped or pending."""

    stage: Stage
    state: str
    doing: str = ""
    entered_at: datetime | None = None
    seconds: float | None = None

    @property
    def words(self) -> str:
        return _STEP_WORDS[self.state]

    @property
    def icon(self) -> str:
        return _STEP_ICONS[self.state]


_STEP_WORDS = {
    "done": "done",
    "current": "now",
    "failed": "failed",
    "stopped": "stopped here",
    "pending": "not reached",
}
_STEP_ICONS = {
    "done": "check",
    "current": "ring",
    "failed": "cross",
    "stopped": "bar",
    "pending": "dot",
}
_UNHAPPY = {Status.FAILED: "failed", Status.PARTIAL: "failed"}


def steps(attempt: Attempt, records: Iterable[Record], *, now: datetime) -> list[Step]:
    """Return all stages of the action (a deploy has ten); a stage lasts until the next record, the current one until `now`."""
    known = list(records)
    ends = [*(record.entered_at for record in known[1:]), attempt.finished_at or now]
    entered = {
        record.stage: (record.entered_at, (end - record.entered_at).total_seconds())
        for record, end in zip(known, ends, strict=False)
    }
    return [_step(stage, attempt, entered.get(stage.value)) for stage in attempt.work.path]


def _step(stage: Stage, attempt: Attempt, entered: tuple[datetime, float] | None) -> Step:
    state = step_state(stage, attempt)
    if entered is None or state == "pending":  # begun after the records were read: its event comes
        return Step(stage=stage, state="pending")
    entered_at, seconds = entered
    ends = stage is Stage.COMPLETED
    return Step(
        stage=stage,
        state=state,
        doing=attempt.work.message(stage),
        entered_at=entered_at,
        seconds=None if ends else seconds,
    )


def step_state(stage: Stage, attempt: Attempt) -> str:
    if not attempt.stage:
        return "pending"
    status, reached = Status(attempt.status), Stage(attempt.stage)
    path = attempt.work.path
    difference = path.index(stage) - path.index(reached)
    if difference > 0:
        return "pending"
    if difference < 0 or status is Status.SUCCEEDED:
        return "done"
    return _UNHAPPY.get(status, "stopped") if status.is_final else "current"


def ticks(attempt: Attempt) -> list[str]:
    """The states of the ticks of a progress bar: one for each stage."""
    return [step_state(stage, attempt) for stage in attempt.work.path]


def usual(durations: Sequence[float]) -> float | None:
    """The usual time of a workflow in seconds: the median of its last successful deployments."""
    return median(durations) if durations else None


def what_is_live(attempt: Attempt) -> str:
    """Say what a deployment that did not succeed left at the target."""
    match Uploaded(attempt.uploaded):
        case Uploaded.NO if attempt.live_before:
            return "Nothing was uploaded: the version that was live before still is."
        case Uploaded.NO:
            return "Nothing was uploaded to the target."
        case Uploaded.YES if attempt.live_version:
            return f"The code was uploaded; version {attempt.live_version} is live on the target."
        case Uploaded.YES:
            return "The code was uploaded to the target before this deployment ended."
        case _:
            return "The target could not be asked what is live now: look there before you go on."


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure; `place` is where: target, workflow, variables, output or ""."""

    words: str
    place: str = ""


_ADVICE = {
    Stage.INITIALIZING: Advice(
        "Check the account and the token of the target, and that it can be reached.", "target"
    ),
    Stage.GENERATING_CODE: Advice(
        "Correct the workflow where it says, save it and deploy again.", "workflow"
    ),
    Stage.DETECTING_BINDINGS: Advice(
        "Set or correct what it names, then deploy again.", "variables"
    ),
    Stage.CREATING_WORKER: Advice(
        "Check the npm packages of the workflow; npm's own words are in the output.", "output"
    ),
    Stage.DEPLOYING: Advice("wrangler's own words are in the output; then deploy again.", "output"),
}
_DEPLOY_AGAIN = Advice("Deploy again.")


def advice(attempt: Attempt) -> Advice:
    """Return the next step after a deployment that did not succeed."""
    ended = Status(attempt.status) in (Status.FAILED, Status.PARTIAL)
    if not ended or not attempt.stage:
        return _DEPLOY_AGAIN
    return _ADVICE.get(Stage(attempt.stage), _DEPLOY_AGAIN)
