"""The outcome of a deployment that did not complete, from the error that ended it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from deployments.pipeline.errors import Cancelled, Incomplete, Superseded
from deployments.pipeline.stages import Status
from targets.cloudflare.errors import DeployError, Finding, RateLimited
from targets.cloudflare.worker_parts import PartResult

INTERNAL_ERROR = (
    "An internal error in AwaitStep, not in your workflow. The server log has the details. Nothing "
    "was uploaded after this stage; you can deploy again."
)

_WILL_RETRY = "It will be retried then."
_WILL_NOT_RETRY = "It will not be retried automatically."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is recorded, before redaction. A busy target sets `retry_at`."""

    status: Status
    message: str
    cause: str = ""
    findings: tuple[Finding, ...] = ()
    parts: tuple[PartResult, ...] = ()
    retry_at: datetime | None = None
    is_internal_error: bool = False

    def full_message(self, *, will_retry: bool) -> str:
        """Return the message, with whether it will be retried if the target asked for that."""
        if self.retry_at is None:
            return self.message
        return f"{self.message} {_WILL_RETRY if will_retry else _WILL_NOT_RETRY}"


def outcome_of(error: Exception) -> Outcome:
    """Return the outcome for an error; anything but a DeployError is an internal error."""
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
                status=Status.FAILED, message=str(error), cause=error.cause, retry_at=error.until
            )
        case DeployError():
            return Outcome(
                status=Status.FAILED,
                message=str(error),
                cause=error.cause,
                findings=error.findings,
            )
        case _:
            return Outcome(status=Status.FAILED, message=INTERNAL_ERROR, is_internal_error=True)
