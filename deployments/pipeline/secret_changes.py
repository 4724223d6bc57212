"""Changes to a Worker's secrets that make Cloudflare refuse a rollback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from targets.cloudflare.errors import Cause, DeployError

_INSTEAD: Final = "Deploy the earlier snapshot again instead: it uses the current secrets."


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretChanges:
    """The names of secrets that a Worker gained and lost since one of its versions was created."""

    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @classmethod
    def between(cls, before: frozenset[str], now: frozenset[str]) -> SecretChanges:
        return cls(added=tuple(sorted(now - before)), deleted=tuple(sorted(before - now)))

    def __bool__(self) -> bool:
        return bool(self.added or self.deleted)

    def __str__(self) -> str:
        """Return the changes as a clause: "TOKEN was added, OLD was deleted"."""
        changes = {"added": self.added, "deleted": self.deleted}
        clauses = [
            f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} {how}"
            for how, names in changes.items()
            if names
        ]
        return ", ".join(clauses)


def check_secrets(before: frozenset[str], now: frozenset[str]) -> None:
    """Raise DeployError if the Worker now has different secrets than the version had."""
    changes = SecretChanges.between(before, now)
    if changes:
        raise DeployError(
            "Cloudflare refuses to roll back past a change to the Worker's secrets: since that "
            f"version, {changes}. Nothing was changed. {_INSTEAD}",
            cause=Cause.SECRETS,
        )
