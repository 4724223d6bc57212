"""The stages of a deployment and the states it can be in: order, words, percentages, successors."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """A stage in the order of the pipeline; FAILED is the record that ends every other way."""

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
        """The sentence of the event stream; a FAILED record brings its own."""
        return _TOLD[self][1]

    @property
    def percent(self) -> int:
        """How far a deployment is when this stage begins, 0-100; FAILED keeps what was reached."""
        return _TOLD[self][0]

    @property
    def is_last(self) -> bool:
        return self in (Stage.COMPLETED, Stage.FAILED)


_TOLD = {
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
    """What a deployment does at its target. All go through one queue: one at a time for a Worker.

    Each but the deploy enters only the stages of the work that it does.
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
        """Whether somebody needs a way out: it comes before what is not, and has its own permission."""
        return self in URGENT

    @property
    def path(self) -> tuple[Stage, ...]:
        """The stages that it enters, in order."""
        told = _ACTIONS[self][1]
        return tuple(told) if told else HAPPY_PATH

    def message(self, stage: Stage) -> str:
        """What the stage does in this action, for the event stream."""
        return _ACTIONS[self][1].get(stage, stage.message)

    def before(self, stage: Stage) -> str:
        """The stage (or "", the queue) from which this one is entered."""
        position = self.path.index(stage)
        return self.path[position - 1].value if position else ""


_ACTIONS: dict[Action, tuple[str, dict[Stage, str]]] = {
    Action.DEPLOY: ("Deploy", {}),
    Action.ROLLBACK: (
        "Rollback",
        {
            Stage.INITIALIZING: "Preparing the rollback...",
            Stage.DEPLOYING: "Putting the earlier version live again...",
            Stage.WORKER_DEPLOYED: "The earlier version is live",
            Stage.UPDATING_WORKFLOW: "Putting workflow, routes and triggers back...",
            Stage.COMPLETED: "Rolled back",
        },
    ),
    Action.RETRY: (
        "Retry",
        {
            Stage.INITIALIZING: "Preparing the retry...",
            Stage.UPDATING_WORKFLOW: "Trying again what failed...",
            Stage.COMPLETED: "All parts are in place",
        },
    ),
    Action.DELETE_SECRETS: (
        "Delete secrets",
        {
            Stage.INITIALIZING: "Looking at the Worker...",
            Stage.UPDATING_WORKFLOW: "Deleting secrets from the Worker...",
            Stage.COMPLETED: "Secrets deleted",
        },
    ),
    Action.TAKEDOWN: (
        "Takedown",
        {
            Stage.INITIALIZING: "Looking at the Worker...",
            Stage.UPDATING_WORKFLOW: "Removing the Worker and what leads to it...",
            Stage.COMPLETED: "Taken down",
        },
    ),
}


class Status(StrEnum):
    """What became of a deployment; `stage` says how far it came."""

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
"""What waits, and what is worked on."""
URGENT = (Action.ROLLBACK, Action.TAKEDOWN)
"""The actions that take away what is live, because somebody has a reason to."""
DEPLOYS_CODE = (Action.DEPLOY, Action.ROLLBACK, Action.RETRY)
"""The actions after which code of ours answers."""
WENT_LIVE = (Status.SUCCEEDED, Status.PARTIAL)
"""How a deployment ends whose code is what answers afterwards."""


class Uploaded(StrEnum):
    """Whether a deployment reached the target before it ended."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"
