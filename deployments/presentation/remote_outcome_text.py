"""What an unsuccessful deployment left on its target, as text."""

from __future__ import annotations

from deployments.models import Deployment
from deployments.pipeline.stages import HAPPY_PATH, Action, Stage, Status, Uploaded

_STILL_LIVE = "the version that was live before is still live."
_UNCHANGED = f"Nothing was changed: {_STILL_LIVE}"
_NOT_UPLOADED = "Nothing was uploaded"
_WRITING = HAPPY_PATH[HAPPY_PATH.index(Stage.DEPLOYING) :]
# For actions that upload nothing: the text before and after their first change to the target.
_BEFORE_AND_AFTER_WRITING = {
    Action.TAKEDOWN: (
        "Nothing was removed: the Worker is unchanged.",
        "The Worker may still exist without its triggers: see what is live.",
    ),
    Action.DELETE_SECRETS: (
        "No secret was deleted: the Worker is unchanged.",
        "The code is unchanged. Some of the secrets may already be deleted: see what is live.",
    ),
}


def describe_remote_outcome(deployment: Deployment) -> str:
    """Return what was left on the target; "" if the deployment's message already says it."""
    texts = _BEFORE_AND_AFTER_WRITING.get(deployment.work)
    if texts and deployment.uploaded != Uploaded.UNKNOWN:
        return texts[0] if deployment.stage in ("", Stage.INITIALIZING) else texts[1]
    if not _was_cancelled_late(deployment):
        return _describe(deployment)
    if deployment.uploaded == Uploaded.NO:
        return _upload_did_not_complete(deployment)
    return f"It was cancelled after the upload had started. {_describe(deployment)}"


def _was_cancelled_late(deployment: Deployment) -> bool:
    was_writing = deployment.uploaded != Uploaded.NO or deployment.stage in _WRITING
    return deployment.state is Status.CANCELLED and was_writing


def _upload_did_not_complete(deployment: Deployment) -> str:
    what = "upload" if deployment.work is Action.DEPLOY else "change"
    now = _STILL_LIVE if deployment.live_before else "no version is live."
    return f"It was cancelled during the {what}, which did not complete: {now}"


def _describe(deployment: Deployment) -> str:
    is_deploy = deployment.work is Action.DEPLOY
    match Uploaded(deployment.uploaded):
        case Uploaded.NO if deployment.live_before and not is_deploy:
            return _UNCHANGED
        case Uploaded.NO:
            return _describe_not_uploaded(deployment)
        case Uploaded.YES if deployment.live_version:
            live = f"ersion {deployment.live_version} is live on the target."
            return f"The code was uploaded; v{live}" if is_deploy else f"V{live}"
        case Uploaded.YES:
            return "The code was uploaded to the target before this deployment ended."
        case _:
            return (
                "AwaitStep could not find out from the target what is live now: "
                "check it before you continue."
            )


def _describe_not_uploaded(deployment: Deployment) -> str:
    """Messages that also stand alone in an event stream already contain half of the text."""
    is_in_message = _NOT_UPLOADED in deployment.message
    if deployment.live_before:
        return _STILL_LIVE.capitalize() if is_in_message else f"{_NOT_UPLOADED}: {_STILL_LIVE}"
    return "" if is_in_message else f"{_NOT_UPLOADED} to the target."
