"""Errors that a user can fix.

DeployError             shown as is; `cause` says who can fix it and how
├── RateLimited         the target asks to wait longer than a deployment waits
└── ...                 deployments.pipeline.errors, targets.policy
Any other exception is a bug: it is logged in full and shown as one generic sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

MAX_LISTED: Final = 200
"""How many findings an error lists: code can have any number of mistakes."""


class Cause(StrEnum):
    """The cause of a failure, which decides who can fix it and how."""

    CREDENTIALS = "credentials"
    PERMISSION = "permission"
    ENVIRONMENT = "environment"
    CODE = "code"
    PACKAGES = "packages"
    TIMEOUT = "timeout"
    TAKEN = "taken"
    CHANGED = "changed"
    SECRETS = "secrets"
    ROUTING = "routing"
    JURISDICTION = "jurisdiction"
    LIMIT = "limit"
    RATE_LIMIT = "rate_limit"
    UNREACHABLE = "unreachable"
    TARGET = "target"
    POLICY = "policy"
    OTHER = "other"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Cause.CREDENTIALS: "Invalid credentials",
    Cause.PERMISSION: "Missing permission",
    Cause.ENVIRONMENT: "Missing binding or variable",
    Cause.CODE: "Compile error",
    Cause.PACKAGES: "npm packages",
    Cause.TIMEOUT: "Timeout",
    Cause.TAKEN: "Owned by another Worker",
    Cause.CHANGED: "Changed outside of AwaitStep",
    Cause.SECRETS: "Secrets changed since",
    Cause.ROUTING: "Zone or subdomain",
    Cause.JURISDICTION: "Fixed jurisdiction",
    Cause.LIMIT: "Over a limit",
    Cause.RATE_LIMIT: "Rate limit",
    Cause.UNREACHABLE: "Target unreachable",
    Cause.TARGET: "Cloudflare's own error",
    Cause.POLICY: "Refused by the target's rules",
    Cause.OTHER: "Other",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem with a deployment; `line` counts from 1 in the user's own code, 0 is unknown.

    `path` names the setting, variable or object on the target, `fix` says what to do unless the
    message does, `kind` is the kind of resource that the variable refers to.
    """

    message: str
    node_id: str = ""
    node_name: str = ""
    path: str = ""
    line: int = 0
    fix: str = ""
    cause: Cause = Cause.OTHER
    is_warning: bool = False
    kind: str = ""

    def as_row(self) -> dict[str, str | int]:
        """Return the fields by name, as a deployment stores them."""
        return asdict(self)

    def with_message(self, message: str) -> Finding:
        """Return the finding with another message."""
        return replace(self, message=message)

    def __str__(self) -> str:
        has_name = self.node_name and self.node_name != self.node_id
        where = f"{self.node_name} ({self.node_id})" if has_name else self.node_id or self.path
        line = f", line {self.line}" if self.line else ""
        text = f"{self.message} {self.fix}".rstrip()
        return f"{where}{line}: {text}" if where else text


def setting_of(path: str, node_id: str) -> str:
    """Return the setting of the node that the path names: "data.url"; "" if it names none."""
    before, _, setting = path.partition(f"nodes.{node_id}.")
    return "" if before else setting


class DeployError(Exception):
    """The deployment cannot continue, for a reason that a user can fix."""

    cause = Cause.OTHER

    def __init__(
        self, message: str, findings: Sequence[Finding] = (), *, cause: Cause | None = None
    ) -> None:
        super().__init__(message)
        self.findings = tuple(findings)
        self.cause = cause or self.cause

    @classmethod
    def listing(
        cls, headline: str, findings: Sequence[Finding], *, cause: Cause | None = None
    ) -> DeployError:
        """Return an error whose message is the headline and one line for each of the first findings."""
        if len(findings) > MAX_LISTED:
            shown, rest = findings[: MAX_LISTED - 1], findings[MAX_LISTED - 1 :]
            message = f"{len(rest):,} more problems are not listed."
            findings = [*shown, Finding(message=message, cause=rest[0].cause)]
        return cls("\n".join([headline, *map(str, findings)]), findings, cause=cause)

    def as_findings(self) -> tuple[Finding, ...]:
        """Return the error's findings, or the error itself as one."""
        return self.findings or (Finding(message=str(self), cause=self.cause),)


class RateLimited(DeployError):
    """The target accepts no calls until a time that is too far off to wait for."""

    cause = Cause.RATE_LIMIT

    def __init__(self, message: str, *, until: datetime) -> None:
        super().__init__(message)
        self.until = until
