"""The stages, actions and statuses of a deployment: order, labels and percentages."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """A stage in the order of the pipeline; FAILED is recorded for every other outcome."""

    INITIALIZING = "INITIALIZING"
    GENERATING_CODE = "GENERATING_CODE"
    CODE_READY = "CODE_READY"
    DETECTING_BINDINGS = "DETECTING_BINDINGS"
    BINDINGS_READY = "BINDINGS_READY"
    CREATING_WORKER = "CREATING_WORKER"
    DEPLOYING = "DEPLOYING"
    WORKER_DEPLOYED = "WORKER_DEPLOYED"
    UPDATING_WORKFLOW = "UPDATING_WORKFLOW"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()

    @property
    def message(self) -> str:
        """The message of the stage in the event stream; a FAILED record has its own."""
        return _STAGES[self][1]

    @property
    def percent(self) -> int:
        """The progress at the start of the stage, 0-100; a FAILED record has its own."""
        return _STAGES[self][0]

    @property
    def is_last(self) -> bool:
        return self in (Stage.COMPLETED, Stage.FAILED)


_STAGES = {
    Stage.INITIALIZING: (5, "Preparing deployment..."),
    Stage.GENERATING_CODE: (15, "Transpiling TypeScript..."),
    Stage.CODE_READY: (25, "Code compiled"),
    Stage.DETECTING_BINDINGS: (35, "Analyzing workflow bindings..."),
    Stage.BINDINGS_READY: (45, "Bindings configured"),
    Stage.CREATING_WORKER: (55, "Creating Cloudflare Worker..."),
    Stage.DEPLOYING: (65, "Deploying to Cloudflare..."),
    Stage.WORKER_DEPLOYED: (80, "Worker deployed"),
    Stage.UPDATING_WORKFLOW: (90, "Updating workflow configuration..."),
    Stage.COMPLETED: (100, "Deployment successful"),
    Stage.FAILED: (0, ""),
}
HAPPY_PATH = tuple(stage for stage in Stage if stage is not Stage.FAILED)


class Action(StrEnum):
    """What a deployment does on its target. One queue runs them, one at a time per Worker.

    Every action except a deploy enters only some of the stages.
    """

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    RETRY = "retry"
    DELETE_SECRETS = "delete_secrets"
    TAKEDOWN = "takedown"

    @property
    def label(self) -> str:
        return _ACTIONS[self][0]

    @property
    def is_urgent(self) -> bool:
        """Whether it removes what is live: it precedes others and has its own permission."""
        return self in URGENT

    @property
    def path(self) -> tuple[Stage, ...]:
        """The stages of the action, in order."""
        messages = _ACTIONS[self][1]
        return tuple(messages) if messages else HAPPY_PATH

    def message(self, stage: Stage) -> str:
        """The message of the stage in this action, for the event stream."""
        return _ACTIONS[self][1].get(stage, stage.message)

    def before(self, stage: Stage) -> str:
        """Return the stage before this one; "" for the first, which is entered from the queue."""
        position = self.path.index(stage)
        return self.path[position - 1].value if position else ""


_ACTIONS: dict[Action, tuple[str, dict[Stage, str]]] = {
    Action.DEPLOY: ("Deploy", {}),
    Action.ROLLBACK: (
        "Rollback",
        {
            Stage.INITIALIZING: "Preparing the rollback...",
            Stage.DEPLOYING: "Making the earlier version live again...",
            Stage.WORKER_DEPLOYED: "The earlier version is live",
            Stage.UPDATING_WORKFLOW: "Restoring workflow, routes and triggers...",
            Stage.COMPLETED: "Rolled back",
        },
    ),
    Action.RETRY: (
        "Retry",
        {
            Stage.INITIALIZING: "Preparing the retry...",
            Stage.UPDATING_WORKFLOW: "Retrying the failed parts...",
            Stage.COMPLETED: "All parts are done",
        },
    ),
    Action.DELETE_SECRETS: (
        "Delete secrets",
        {
            Stage.INITIALIZING: "Checking the Worker...",
            Stage.UPDATING_WORKFLOW: "Deleting secrets from the Worker...",
            Stage.COMPLETED: "Secrets deleted",
        },
    ),
    Action.TAKEDOWN: (
        "Takedown",
        {
            Stage.INITIALIZING: "Checking the Worker...",
            Stage.UPDATING_WORKFLOW: "Removing the Worker, its routes and its triggers...",
            Stage.COMPLETED: "Taken down",
        },
    ),
}


class Status(StrEnum):
    """The status of a deployment; its `stage` says how far it got."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    INTERRUPTED = "interrupted"
    PARTIAL = "partial"

    @property
    def label(self) -> str:
        return self.value.capitalize()

    @property
    def is_final(self) -> bool:
        return self not in UNFINISHED


UNFINISHED = (Status.QUEUED, Status.RUNNING)
"""Deployments that are waiting or running."""
URGENT = (Action.ROLLBACK, Action.TAKEDOWN)
"""Actions that remove what is live."""
DEPLOYS_CODE = (Action.DEPLOY, Action.ROLLBACK, Action.RETRY)
"""Actions that leave our code live."""
WENT_LIVE = (Status.SUCCEEDED, Status.PARTIAL)
"""Statuses of deployments whose code went live."""


class Uploaded(StrEnum):
    """Whether a deployment uploaded its code before it ended."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"
