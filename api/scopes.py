"""The scopes of API keys. A call needs the scope of its operation, and the permission of the key's owner."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """What a key may be used for."""

    READ = "read"
    WRITE = "write"
    DEPLOY = "deploy"

    @property
    def description(self) -> str:
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Scope.READ: "see everything that the owner may see",
    Scope.WRITE: "create, change and delete workflows, variables and rules",
    Scope.DEPLOY: "deploy, take down, and start and control runs",
}
