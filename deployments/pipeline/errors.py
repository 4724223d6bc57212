"""Errors that end a deployment early, beside those of its target."""

from __future__ import annotations

from collections.abc import Sequence

from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import PartResult


class CodeError(DeployError):
    """The type checker refused the code; the findings know their nodes by id alone."""

    cause = Cause.CODE


class Incomplete(DeployError):
    """The code is live; `parts` are all parts of the deployment with what became of each."""

    def __init__(self, message: str, parts: Sequence[PartResult]) -> None:
        super().__init__(message)
        self.parts = tuple(parts)


class Superseded(DeployError):
    """Nothing was uploaded: a newer deployment takes its place."""


class Cancelled(DeployError):
    """Somebody asked to end the deployment; the message says who."""


class LeaseLost(DeployError):
    """Whoever took the lease has recorded the end; there is nothing left to do."""
