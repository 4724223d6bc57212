"""What a deployment that did not succeed left at its target, in words."""

from __future__ import annotations

from deployments.pipeline.stages import HAPPY_PATH, Action, Stage, Status, Uploaded
from deployments.presentation.labels import Attempt

_STILL_LIVE = "the version that was live before still is."
_UNCHANGED = f"Nothing was changed: {_STILL_LIVE}"
_NOT_UPLOADED = "Nothing was uploaded"


def describe_remote_outcome(attempt: Attempt) -> str:
    """Say what a deployment that did not succeed left at the target; "" where its message does."""
    own = _LEFT.get(attempt.work)
    if own and attempt.uploaded != Uploaded.UNKNOWN:
        return own[0] if _wrote_nothing(attempt) else own[1]
    if not _was_cancelled_late(attempt):
        return _left(attempt)
    if attempt.uploaded == Uploaded.NO:
        return _did_not_come_through(attempt)
    return f"It was cancelled after the upload had begun. {_left(attempt)}"


def _did_not_come_through(attempt: Attempt) -> str:
    what = "upload" if attempt.work is Action.DEPLOY else "change"
    now = "the version that was live before still is" if attempt.live_before else "nothing is there"
    return (
        f"It was cancelled while the {what} was under way; the {what} did not come through: {now}."
    )


def _left(attempt: Attempt) -> str:
    match Uploaded(attempt.uploaded):
        case Uploaded.NO if attempt.live_before and attempt.work is not Action.DEPLOY:
            return _UNCHANGED
        case Uploaded.NO:
            return _not_uploaded(attempt)
        case Uploaded.YES if attempt.live_version and attempt.work is not Action.DEPLOY:
            return f"Version {attempt.live_version} is live on the target."
        case Uploaded.YES if attempt.live_version:
            return f"The code was uploaded; version {attempt.live_version} is live on the target."
        case Uploaded.YES:
            return "The code was uploaded to the target before this deployment ended."
        case _:
            return "The target could not be asked what is live now: look there before you go on."


def _not_uploaded(attempt: Attempt) -> str:
    """Some messages, which stand alone in a stream, have said half of it already."""
    is_said = _NOT_UPLOADED in attempt.message
    if attempt.live_before:
        return _STILL_LIVE.capitalize() if is_said else f"{_NOT_UPLOADED}: {_STILL_LIVE}"
    return "" if is_said else f"{_NOT_UPLOADED} to the target."


# Of an action that uploads nothing: what is there where nothing was written yet, and where something was.
_LEFT = {
    Action.TAKEDOWN: (
        "Nothing was removed: the Worker is as it was.",
        "The Worker may still be there, without all that led to it: see what is live.",
    ),
    Action.DELETE_SECRETS: (
        "No secret was deleted: the Worker is as it was.",
        "The code is as it was. Some of the secrets may be gone already: see what is live.",
    ),
}


def _wrote_nothing(attempt: Attempt) -> bool:
    return attempt.stage in ("", Stage.INITIALIZING)


def _was_cancelled_late(attempt: Attempt) -> bool:
    began = attempt.uploaded != Uploaded.NO or attempt.stage in _WRITING
    return Status(attempt.status) is Status.CANCELLED and began


_WRITING = HAPPY_PATH[HAPPY_PATH.index(Stage.DEPLOYING) :]
