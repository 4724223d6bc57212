"""How a deployment is told to a person: times, tones, what it does, what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Protocol

from deployments.pipeline.stages import PUTS_CODE, Action, Stage, Status
from targets.cloudflare.errors import Cause
from web.tones import Tone


class Attempt(Protocol):
    """A deployment, as far as it is shown."""

    status: str
    stage: str
    cause: str
    message: str
    uploaded: str
    live_version: str
    live_before: str
    workflow_name: str
    about_id: int | None
    cancel_asked_at: datetime | None
    cancelled_by: str
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def percent(self) -> int: ...
    @property
    def work(self) -> Action: ...


def time_taken(attempt: Attempt) -> timedelta | None:
    """How long a deployment ran; None where it never began or has not ended."""
    if attempt.started_at is None or attempt.finished_at is None:
        return None
    return attempt.finished_at - attempt.started_at


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
    if status is Status.RUNNING and attempt.cancel_asked_at:
        return cancelling(attempt)
    if status is Status.RUNNING:
        return f"{stage.label}, {stage.percent} percent"
    if status is Status.SUCCEEDED and attempt.work is Action.DEPLOY:
        return f"{attempt.workflow_name} is deployed"
    if status is Status.SUCCEEDED:
        return f"{attempt.workflow_name}: {attempt.work.message(Stage.COMPLETED)}"
    return f"{status.label} at {stage.label}"


def cancelling(attempt: Attempt) -> str:
    """Say who has asked to end a deployment that has not ended yet; "" where nobody has."""
    if not attempt.cancel_asked_at:
        return ""
    return f"Cancelling, asked by {attempt.cancelled_by or 'somebody'}"


_LEADS = {
    Action.ROLLBACK: "Rollback to",
    Action.RETRY: "Retry of",
    Action.DELETE_SECRETS: "Deletion of secrets",
    Action.TAKEDOWN: "Takedown",
}
_NAMES_ABOUT = (Action.DEPLOY, Action.ROLLBACK, Action.RETRY)


def lead(attempt: Attempt) -> str:
    """The words for what a deployment does, up to the number of the one that it is about.

    "" for a plain deploy, which goes without saying.
    """
    again = "Snapshot of" if attempt.about_id else ""
    return _LEADS.get(attempt.work, again)


def names_about(attempt: Attempt) -> bool:
    """Whether the words of `lead` go on with the number of the deployment that it is about."""
    return attempt.work in _NAMES_ABOUT and attempt.about_id is not None


def doing(attempt: Attempt) -> str:
    """Say what a deployment does: "Rollback to #12", "Takedown"; "" for a plain deploy."""
    return f"{lead(attempt)} #{attempt.about_id}" if names_about(attempt) else lead(attempt)


def usual(durations: Sequence[float]) -> float | None:
    """The usual time of a workflow in seconds: the median of its last successful deployments."""
    return median(durations) if durations else None


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure.

    `place` is where: target, workflow, settings, variables, output, live, again (the same action) or "".
    """

    words: str
    place: str = ""


# Where the stage alone says what to do: the deployments of old, and what has no kind of its own.
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
_BY_CAUSE = {
    Cause.CREDENTIALS: Advice(
        "Correct the token or the account of the target, check it there, then try again.", "target"
    ),
    Cause.PERMISSION: Advice(
        "Give the token the permission that is named, on Cloudflare's dashboard under API Tokens; "
        "the target's page checks it. Then try again.",
        "target",
    ),
    Cause.ENVIRONMENT: _ADVICE[Stage.DETECTING_BINDINGS],
    Cause.CODE: _ADVICE[Stage.GENERATING_CODE],
    Cause.PACKAGES: _ADVICE[Stage.CREATING_WORKER],
    Cause.TIMEOUT: Advice(
        "Try again. Where it takes too long each time, the output says at what.", "output"
    ),
    Cause.TAKEN: Advice(
        "Free the name where it is used now, or take another one in the workflow's settings.",
        "settings",
    ),
    Cause.CHANGED: Advice(
        "See what is live and what differs; then adopt it, or deploy and overwrite it.", "live"
    ),
    Cause.ROUTING: Advice(
        "Correct the route, domain or zone in the workflow's settings or on Cloudflare's dashboard.",
        "settings",
    ),
    Cause.LIMIT: Advice(
        "Make it smaller, or raise the limit with Cloudflare; then deploy again.", "workflow"
    ),
    Cause.RATE_LIMIT: Advice("Wait: Cloudflare has had too many calls from this account."),
    Cause.UNREACHABLE: Advice(
        "Check that the target can be reached from this server, then try again.", "target"
    ),
    Cause.TARGET: Advice(
        "This is Cloudflare's own error. Try again in a few minutes; www.cloudflarestatus.com says "
        "whether it has trouble."
    ),
    Cause.POLICY: Advice("Ask somebody whom the target's rules let, or wait.", "target"),
}
_DEPLOY_AGAIN = Advice("Deploy again.")
_RETRY = Advice("Mend what each part names, then try the failed parts again.")
_INSTEAD = Advice("Deploy the snapshot anew, or go back to another deployment.")
_DEPLOY_FIRST = Advice("Deploy what is live anew, then delete the secrets.")
_NOT_POSSIBLE = ("", Cause.CHANGED, Cause.ENVIRONMENT, Cause.OTHER)
_TRY_AGAIN = {
    Action.ROLLBACK: Advice("Roll back again: a deploy would put other code live.", "again"),
    Action.RETRY: Advice("Try the failed parts again.", "again"),
    Action.TAKEDOWN: Advice("Take it down again.", "again"),
    Action.DELETE_SECRETS: Advice("See which secrets are left, then delete those again.", "again"),
}


def advice(attempt: Attempt) -> Advice:
    """Return the next step after a deployment that did not succeed: by its cause, or by its stage."""
    status = Status(attempt.status)
    usual = _TRY_AGAIN.get(attempt.work, _DEPLOY_AGAIN)
    if status is Status.PARTIAL and attempt.work in PUTS_CODE:
        return _RETRY
    if status is not Status.FAILED or not attempt.stage:
        return usual
    if attempt.work is Action.ROLLBACK and attempt.cause in _NOT_POSSIBLE:
        return _INSTEAD
    if attempt.work is Action.DELETE_SECRETS and attempt.cause in _NOT_POSSIBLE:
        return _DEPLOY_FIRST if attempt.cause == Cause.CHANGED else usual
    by_stage = _ADVICE.get(Stage(attempt.stage), usual)
    return _BY_CAUSE.get(Cause(attempt.cause), by_stage) if attempt.cause else by_stage
