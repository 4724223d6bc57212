"""How a deployment is presented to users: status symbols, page titles and advice after a failure."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.models import Deployment
from deployments.pipeline.stages import DEPLOYS_CODE, Action, Stage, Status
from targets.cloudflare.errors import Cause
from web.tones import Tone

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


def page_title(deployment: Deployment) -> str:
    """Return the window title: "✓ Succeeded · Orders", "65 % · Orders"."""
    status = deployment.state
    if status is Status.RUNNING:
        return f"{deployment.percent} % · {deployment.workflow_name}"
    return f"{TONES[status].mark} {status.label} · {deployment.workflow_name}"


def announcement(deployment: Deployment) -> str:
    """Return what a screen reader announces when the page changes: a stage, or the outcome."""
    status, name = deployment.state, deployment.workflow_name
    if not deployment.stage or status is Status.QUEUED:
        return f"{name}: {status.label}"
    stage = Stage(deployment.stage)
    if status is Status.RUNNING:
        return deployment.cancellation_notice or f"{stage.label}, {stage.percent} percent"
    if status is Status.SUCCEEDED and deployment.work is Action.DEPLOY:
        return f"{name} is deployed"
    if status is Status.SUCCEEDED:
        return f"{name}: {deployment.work.message(Stage.COMPLETED)}"
    return f"{status.label} at {stage.label}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a failure.

    `topic` selects the links: target, workflow, settings, variables, output, live, repeat (the same
    action) or "".
    """

    text: str
    topic: str = ""


# For failures without a cause.
_BY_STAGE = {
    Stage.INITIALIZING: Advice(
        "Check the target's account and token, and that the target is reachable.", "target"
    ),
    Stage.GENERATING_CODE: Advice(
        "Fix the problems listed in the workflow, save it and deploy again.", "workflow"
    ),
    Stage.DETECTING_BINDINGS: Advice(
        "Set or correct what is listed, then deploy again.", "variables"
    ),
    Stage.CREATING_WORKER: Advice(
        "Check the workflow's npm packages. The output has npm's own messages.", "output"
    ),
    Stage.DEPLOYING: Advice(
        "The output has wrangler's own messages. Fix the cause, then deploy again.", "output"
    ),
}
_BY_CAUSE = {
    Cause.CREDENTIALS: Advice(
        "Correct the target's token or account, check the target, then try again.", "target"
    ),
    Cause.PERMISSION: Advice(
        "Give the token the missing permission in the Cloudflare dashboard under API Tokens. Check "
        "it on the target's page, then try again.",
        "target",
    ),
    Cause.ENVIRONMENT: _BY_STAGE[Stage.DETECTING_BINDINGS],
    Cause.CODE: _BY_STAGE[Stage.GENERATING_CODE],
    Cause.PACKAGES: _BY_STAGE[Stage.CREATING_WORKER],
    Cause.TIMEOUT: Advice(
        "Try again. If it times out every time, the output shows where.", "output"
    ),
    Cause.TAKEN: Advice(
        "Free the name where it is used now, or choose another one in the workflow's settings.",
        "settings",
    ),
    Cause.CHANGED: Advice(
        "See what is live and what differs. Then adopt it, or deploy and overwrite it.", "live"
    ),
    Cause.SECRETS: Advice("Deploy the earlier snapshot again: it uses the current secrets."),
    Cause.ROUTING: Advice(
        "Correct the route, domain or zone in the workflow's settings or in the Cloudflare "
        "dashboard.",
        "settings",
    ),
    Cause.JURISDICTION: Advice(
        "Set the jurisdiction that the Workflow has in the workflow's settings. To move to another "
        "one, duplicate the workflow, or take it down first, which deletes its runs.",
        "settings",
    ),
    Cause.LIMIT: Advice(
        "Make it smaller, or ask Cloudflare to raise the limit. Then deploy again.", "workflow"
    ),
    Cause.RATE_LIMIT: Advice("Wait: Cloudflare has received too many requests from this account."),
    Cause.UNREACHABLE: Advice(
        "Check that this server can reach the target, then try again.", "target"
    ),
    Cause.TARGET: Advice(
        "This is an error on Cloudflare's side. Try again in a few minutes; "
        "www.cloudflarestatus.com lists incidents."
    ),
    Cause.POLICY: Advice("Ask someone who may deploy to the target, or wait.", "target"),
}
_DEPLOY_AGAIN = Advice("Deploy again.")
_RETRY = Advice("Fix what each part reports, then retry failed parts.")
_INSTEAD = Advice("Redeploy the snapshot, or roll back to another deployment.")
_DEPLOY_FIRST = Advice("Redeploy what is live, then delete the secrets.")
_CANNOT_REPEAT = ("", Cause.CHANGED, Cause.SECRETS, Cause.ENVIRONMENT, Cause.OTHER)
_REPEAT = {
    Action.ROLLBACK: Advice("Roll back again. A deploy would make different code live.", "repeat"),
    Action.RETRY: Advice("Retry failed parts.", "repeat"),
    Action.TAKEDOWN: Advice("Repeat the takedown.", "repeat"),
    Action.DELETE_SECRETS: Advice("See which secrets are left, then delete them.", "repeat"),
}


def advice(deployment: Deployment) -> Advice:
    """Return the next step after an unsuccessful deployment, by its cause or its stage."""
    action, cause = deployment.work, deployment.cause
    default = _REPEAT.get(action, _DEPLOY_AGAIN)
    if deployment.state is Status.PARTIAL and action in DEPLOYS_CODE:
        return _RETRY
    if deployment.state is not Status.FAILED or not deployment.stage:
        return default
    if action is Action.ROLLBACK and cause in _CANNOT_REPEAT:
        return _INSTEAD
    if action is Action.DELETE_SECRETS and cause in _CANNOT_REPEAT:
        return _DEPLOY_FIRST if cause == Cause.CHANGED else default
    by_stage = _BY_STAGE.get(Stage(deployment.stage), default)
    return _BY_CAUSE.get(Cause(cause), by_stage) if cause else by_stage
