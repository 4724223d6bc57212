"""What can be done with API keys: create, find and revoke them. Only people do, never a key."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from api.keys.tokens import SHOWN, bearer_token, digest_of, is_token, new_token
from api.models import ApiKey
from api.scopes import Scope
from audit import trail
from audit.trail import Actor, Subject
from toolchain.invisible_characters import invisible_problem
from web.busy_database import skipped_if_locked

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANAGE: Final = "api.manage_apikey"
"""Users with this permission see and revoke the keys of everyone."""
MAX_KEYS: Final = 100
"""How many keys a user can have at the same time."""
_MAX_RESTRICTIONS: Final = 100
_LAST_USE: Final = timedelta(minutes=1)
"""How exact the time of the last use is; storing it costs a write."""


@dataclass(frozen=True, slots=True)
class CreatedKey:
    """A new key and its text, which can be shown only now."""

    key: ApiKey
    token: str


@transaction.atomic
def create_key(
    *,
    name: str,
    scopes: Collection[str],
    by: User,
    expires_at: datetime | None = None,
    workflows: Collection[str] | None = None,
    targets: Collection[int] | None = None,
) -> CreatedKey:
    """Create a key of a user; raises ValidationError. `workflows` and `targets` restrict it."""
    if usable_keys().filter(owner=by).count() >= MAX_KEYS:
        raise ValidationError(f"You have {MAX_KEYS} keys. Revoke one that is no longer used.")
    if problem := expiry_problem(expires_at):
        raise ValidationError({"expires_at": problem})
    if problem := name_problem(name):
        raise ValidationError({"name": problem})
    token = new_token()
    key = ApiKey(
        owner=by,
        name=" ".join(name.split()),
        prefix=token[:SHOWN],
        digest=digest_of(token),
        scopes=_scopes(scopes),
        expires_at=expires_at,
        workflows=_restriction(workflows, "workflows"),
        targets=_restriction(targets, "targets"),
    )
    key.full_clean()
    key.save()
    _record("API key created", key, by=Actor.of(by))
    return CreatedKey(key, token)


def expiry_problem(expires_at: datetime | None) -> str:
    """Return why a new key cannot expire at this time; "" if it can."""
    is_past = expires_at is not None and expires_at <= timezone.now()
    return "The time must be in the future." if is_past else ""


def name_problem(name: str) -> str:
    """Return why a key cannot have this name; "" if it can. Any space counts as one blank."""
    problem = invisible_problem(" ".join(name.split()))
    return f"The name {problem}." if problem else ""


def _scopes(scopes: Collection[str]) -> list[str]:
    known = [scope.value for scope in Scope if scope in set(scopes)]
    if not known or len(known) < len(set(scopes)):
        names = ", ".join(scope.value for scope in Scope)
        raise ValidationError({"scopes": f"Choose at least one of the scopes {names}."})
    return known


def _restriction(ids: Collection[Any] | None, field: str) -> list[Any] | None:
    if ids is None:
        return None
    if not ids or len(ids) > _MAX_RESTRICTIONS:
        message = f"Choose 1 to {_MAX_RESTRICTIONS} {field}, or do not restrict the key to {field}."
        raise ValidationError({field: message})
    return sorted(set(ids))


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User) -> None:
    """End the use of a key immediately; nothing happens if it is revoked already."""
    now, name = timezone.now(), by.get_username()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now, revoked_by=name):
        _record("API key revoked", key, by=Actor.of(by))


def usable_keys() -> QuerySet[ApiKey]:
    """Return the keys that are neither revoked nor expired."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ApiKey.objects.filter(unexpired, revoked_at=None)


def keys_for(user: User) -> QuerySet[ApiKey]:
    """Return the keys that a user may see: their own, or those of everyone."""
    keys = ApiKey.objects.select_related("owner")
    return keys if user.has_perm(MANAGE) else keys.filter(owner=user)


def key_of_header(header: str) -> ApiKey | None:
    """Return the usable key in an Authorization header, whose owner is active."""
    token = bearer_token(header)
    if not is_token(token):
        return None
    keys = usable_keys().select_related("owner")
    return keys.filter(digest=digest_of(token), owner__is_active=True).first()


def owner_of_header(header: str) -> User | None:
    """Return the owner of the key in an Authorization header."""
    key = key_of_header(header)
    return key.owner if key else None


def record_use(key: ApiKey) -> None:
    """Store that a key was used; at most once a minute, and not while the database is busy."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < _LAST_USE:
        return
    with skipped_if_locked():
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _record(action: str, key: ApiKey, *, by: Actor) -> None:
    subject = Subject("API key", str(key.pk), key.label)
    trail.record(action, subject, by=by, owner=key.owner.get_username(), scopes=key.scopes)
