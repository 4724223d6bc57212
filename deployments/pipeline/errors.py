"""Errors that end a deployment early, in addition to those of its target."""

from __future__ import annotations

from collections.abc import Sequence

from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.worker_parts import PartResult


class CodeError(DeployError):
    """The code has type errors; the findings have the ids of their nodes but no names."""

    cause = Cause.CODE


class Incomplete(DeployError):
    """The code is live, but not all parts are done; `parts` are the results of all parts."""

    def __init__(self, message: str, parts: Sequence[PartResult]) -> None:
        super().__init__(message)
        self.parts = tuple(parts)


class Superseded(DeployError):
    """Nothing was uploaded, because a newer deployment replaces this one."""


class Cancelled(DeployError):
    """The deployment was cancelled; the message says who cancelled it."""


class LeaseLost(DeployError):
    """Another process took the lease and has recorded the outcome; there is nothing left to do."""
