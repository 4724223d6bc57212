"""How a deployment ends that did not complete: the error that ended it, in words for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deployments.pipeline.errors import Cancelled, Incomplete, Superseded
from deployments.pipeline.stages import Status
from targets.cloudflare.errors import DeployError, Finding, RateLimited
from targets.cloudflare.worker_parts import PartResult

INTERNAL_ERROR = (
    "Something went wrong in AwaitStep itself, not in your workflow. The server's log has the "
    "details. Nothing was uploaded after this stage; you can deploy again."
)

_COMES_AGAIN = "It will be tried again then."
_COMES_NO_MORE = "It will not be tried again by itself."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is recorded of an end, not yet redacted; `again_at` is when it is to be tried again."""

    status: Status
    message: str
    cause: str = ""
    findings: tuple[Finding, ...] = ()
    parts: tuple[PartResult, ...] = ()
    again_at: datetime | None = None
    is_fault: bool = False

    def told(self, *, comes_again: bool) -> str:
        """Return the message, with what becomes of a wish to be tried again."""
        if self.again_at is None:
            return self.message
        return f"{self.message} {_COMES_AGAIN if comes_again else _COMES_NO_MORE}"


def outcome_of(error: Exception) -> Outcome:
    """Return what an error makes of its deployment; anything but a DeployError is a fault of ours."""
    match error:
        case Superseded():
            return Outcome(status=Status.SUPERSEDED, message=str(error))
        case Cancelled():
            return Outcome(status=Status.CANCELLED, message=str(error))
        case Incomplete():
            return Outcome(
                status=Status.PARTIAL, message=str(error), cause=error.cause, parts=error.parts
            )
        case RateLimited():
            return Outcome(
                status=Status.FAILED, message=str(error), cause=error.cause, again_at=error.until
            )
        case DeployError():
            return Outcome(
                status=Status.FAILED,
                message=str(error),
                cause=error.cause,
                findings=error.findings,
            )
        case _:
            return Outcome(status=Status.FAILED, message=INTERNAL_ERROR, is_fault=True)
