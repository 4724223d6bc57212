"""Why a deployment ends before its time.

DeployError             a person can mend it: shown as it is
├── CodeError           the code has type errors
├── Superseded          a newer deployment has gone live or waits
└── LeaseLost           another process has taken over or ended this deployment
Anything else is a fault of ours: logged whole, shown as one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem of a deployment; `line` counts from 1 in the person's own code, 0 is unknown."""

    message: str
    node_id: str = ""
    node_name: str = ""
    path: str = ""
    line: int = 0

    def as_row(self) -> dict[str, str | int]:
        """Return the fields by their names, as a deployment keeps them."""
        return asdict(self)

    def __str__(self) -> str:
        has_name = self.node_name and self.node_name != self.node_id
        where = f"{self.node_name} ({self.node_id})" if has_name else self.node_id or self.path
        line = f", line {self.line}" if self.line else ""
        return f"{where}{line}: {self.message}" if where else self.message


class DeployError(Exception):
    """The deployment cannot go on, and a person can do something about it."""

    def __init__(self, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.findings = tuple(findings)

    @classmethod
    def listing(cls, headline: str, findings: Sequence[Finding]) -> DeployError:
        """Say the headline and every finding, one a line."""
        return cls("\n".join([headline, *map(str, findings)]), findings)


class CodeError(DeployError):
    """The type checker refused the code; the findings know their nodes by id alone."""


class Superseded(DeployError):
    """Nothing was uploaded: a newer deployment takes its place."""


class LeaseLost(DeployError):
    """Whoever took the lease has recorded the end; there is nothing left to do."""
