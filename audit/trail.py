"""The one door to the audit trail: what was done is written in the transaction that does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from audit.models import Entry

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


_LONGEST_REASON: Final = 2000  # characters


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or a name where nobody has logged in (a command's operator, the server)."""

    user: User | None = None
    name: str = ""

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Actor:
        """Return the actor of a request."""
        return cls(user, user.get_username()) if user.is_authenticated else cls(None, "anonymous")


NOBODY: Final = Actor()


@dataclass(frozen=True, slots=True)
class Subject:
    """What was acted on, by its kind, its id and the name it had then."""

    kind: str
    id: str = ""
    name: str = ""


def record(action: str, subject: Subject, *, by: Actor, reason: str = "", **detail: Any) -> Entry:
    """Write that it was done; `detail` must never hold a secret's value."""
    return Entry.objects.create(
        actor=by.user,
        actor_name=by.name,
        action=action,
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_name=subject.name,
        reason=reason[:_LONGEST_REASON],
        detail=detail,
    )
