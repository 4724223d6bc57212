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
    def predecessor(self) -> str:
        """The stage (or "", the queue) from which this one of the happy path is entered."""
        position = HAPPY_PATH.index(self)
        return HAPPY_PATH[position - 1].value if position else ""

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
        return self not in (Status.QUEUED, Status.RUNNING)


class Uploaded(StrEnum):
    """Whether a deployment reached the target before it ended."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"
