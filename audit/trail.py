"""The only place that writes to the audit trail. Call it in the transaction of the change itself."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone

from audit.models import Entry

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


_MAX_REASON_LENGTH: Final = 2000
_COUNTED_TOGETHER: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, or a name if no one has logged in, as on the command line."""

    user: User | None = None
    name: str = ""

    @classmethod
    def of(cls, user: User | AnonymousUser) -> Actor:
        """Return the actor of a request."""
        return cls(user, user.get_username()) if user.is_authenticated else ANONYMOUS


_key: ContextVar[str] = ContextVar("key", default="")
SYSTEM: Final = Actor()
ANONYMOUS: Final = Actor(name="anonymous")


def command_line_actor() -> Actor:
    """Return the operating system's user by name: commands run without a Django user."""
    try:
        return Actor(name=f"{getpass.getuser()} (command line)")
    except (KeyError, OSError):
        return Actor(name="command line")


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of an action: its kind, its id and its name at that time."""

    kind: str
    id: str = ""
    name: str = ""


@contextmanager
def forgetting_the_key() -> Iterator[None]:
    """Forget at the end of the block with which key a user acts in it."""
    token = _key.set("")
    try:
        yield
    finally:
        _key.reset(token)


def act_with(key: str) -> None:
    """Add the name of a user's API key to all entries, until the block of `forgetting_the_key` ends."""
    _key.set(key)


def _with_key(detail: dict[str, Any]) -> dict[str, Any]:
    key = _key.get()
    return {**detail, "api_key": key} if key else detail


def count_repeated(
    action: str, subject: Subject, *, by: Actor, reason: str = "", **detail: Any
) -> None:
    """Record something that anyone can repeat at will: one entry counts all identical events of an hour."""
    now = timezone.now()
    same = Entry.objects.filter(
        action=action,
        actor_name=by.name,
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_name=subject.name,
        reason=reason[:_MAX_REASON_LENGTH],
        detail=_with_key(detail),
        at__gte=now - _COUNTED_TOGETHER,
    )
    newest = same.values_list("pk", flat=True).first()
    if newest is None or not Entry.objects.count_again(newest, at=now):
        record(action, subject, by=by, reason=reason, **detail)


def recent_count(action: str, *, by: Actor) -> int:
    """Return how many entries with this action the actor has caused within an hour."""
    since = timezone.now() - _COUNTED_TOGETHER
    return Entry.objects.filter(action=action, actor_name=by.name, at__gte=since).count()


def record(action: str, subject: Subject, *, by: Actor, reason: str = "", **detail: Any) -> Entry:
    """Add an entry to the audit trail. `detail` must not contain the value of a secret."""
    return Entry.objects.create(
        actor=by.user,
        actor_name=by.name,
        action=action,
        subject_kind=subject.kind,
        subject_id=subject.id,
        subject_name=subject.name,
        reason=reason[:_MAX_REASON_LENGTH],
        detail=_with_key(detail),
    )
