"""Logins, and every change to users, groups and permissions, in the audit trail.

They are recorded where Django announces them, so that pages, commands and scripts are all covered.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save
from django.http import HttpRequest

from audit import trail
from audit.acting import client_address, client_network, current_actor
from audit.trail import Actor, Subject

_UNRECORDED: Final = ("id", "last_login", "password")
_RIGHTS: Final = ("is_active", "is_staff", "is_superuser")
_BEFORE: Final = "_recorded_before"
_ADDED, _REMOVED, _CLEARED = "post_add", "post_remove", "pre_clear"
_HOW: Final = {_ADDED: "added", _REMOVED: "removed", _CLEARED: "removed"}


def connect() -> None:
    """Start recording."""
    user_logged_in.connect(_logged_in, dispatch_uid="trail")
    user_logged_out.connect(_logged_out, dispatch_uid="trail")
    user_login_failed.connect(_login_failed, dispatch_uid="trail")
    for model in (User, Group):
        pre_save.connect(_remember, sender=model, dispatch_uid="trail")
        post_save.connect(_saved, sender=model, dispatch_uid="trail")
        pre_delete.connect(_deleted, sender=model, dispatch_uid="trail")
    for relation in (User.groups, User.user_permissions, Group.permissions):
        m2m_changed.connect(_related, sender=relation.through, dispatch_uid="trail")


def _logged_in(*, request: HttpRequest | None, user: User, **_signal: Any) -> None:
    address = client_address(request)
    trail.record("logged in", _subject(user), by=Actor.of(user), address=address)


def _logged_out(*, request: HttpRequest | None, user: User | None, **_signal: Any) -> None:
    if user is not None:
        address = client_address(request)
        trail.record("logged out", _subject(user), by=Actor.of(user), address=address)


def _login_failed(
    *, credentials: dict[str, Any], request: HttpRequest | None = None, **_signal: Any
) -> None:
    """Count the failure. A name that belongs to no user is left out: it may be a password."""
    user = User.objects.filter(username=str(credentials.get("username"))).first()
    subject = _subject(user) if user else Subject("user", name="unknown user")
    address = client_network(request)
    trail.count_repeated("login failed", subject, by=trail.ANONYMOUS, address=address)


def _remember(
    *, instance: User | Group, update_fields: Collection[str] | None, **_signal: Any
) -> None:
    if update_fields is None or set(update_fields).difference(_UNRECORDED):
        stored = type(instance)._default_manager.filter(pk=instance.pk).first()
        setattr(instance, _BEFORE, stored)


def _saved(
    *,
    instance: User | Group,
    created: bool,
    update_fields: Collection[str] | None,
    **_signal: Any,
) -> None:
    subject, by = _subject(instance), current_actor()
    before = vars(instance).pop(_BEFORE, None)
    if created:
        trail.record(f"{subject.kind} added", subject, by=by, **_rights(instance))
        return
    if before and (changed := _changed(before, instance, update_fields)):
        rights = {name: value for name, value in _rights(instance).items() if name in changed}
        trail.record(f"{subject.kind} changed", subject, by=by, fields=changed, **rights)
    if getattr(instance, "_password", None) is not None:  # not when a hash is only upgraded
        trail.record("password changed", subject, by=by)


def _changed(
    before: User | Group, after: User | Group, update_fields: Collection[str] | None
) -> list[str]:
    """Return the names of the fields that differ and were saved."""
    names = {field.name for field in after._meta.concrete_fields}.difference(_UNRECORDED)
    saved = names if update_fields is None else names.intersection(update_fields)
    return sorted(name for name in saved if getattr(before, name) != getattr(after, name))


def _rights(instance: User | Group) -> dict[str, Any]:
    return {name: getattr(instance, name) for name in _RIGHTS if hasattr(instance, name)}


def _deleted(*, instance: User | Group, **_signal: Any) -> None:
    subject, by = _subject(instance), current_actor()
    if by.user is not None and by.user == instance:  # the entry must not refer to a deleted row
        by = Actor(name=by.name)
    trail.record(f"{subject.kind} deleted", subject, by=by)


def _related(
    *,
    instance: User | Group | Permission,
    action: str,
    reverse: bool,
    model: type[User | Group | Permission],
    pk_set: set[int] | None,
    sender: Any,
    **_signal: Any,
) -> None:
    """Record groups and permissions that were granted or revoked, from either side of the relation."""
    if action not in _HOW:
        return
    if action == _CLEARED:
        others = list(_related_rows(instance, sender))
    else:
        others = list(model._default_manager.filter(pk__in=pk_set or ()))
    pairs = [(other, instance) if reverse else (instance, other) for other in others]
    by = current_actor()
    for receiver in {pair[0] for pair in pairs}:
        what = _kind_of(pairs[0][1])
        given: dict[str, Any] = {
            what: sorted(_label(row) for owner, row in pairs if owner == receiver)
        }
        trail.record(f"{what} {_HOW[action]}", _subject(receiver), by=by, **given)


def _related_rows(instance: Any, through: Any) -> list[Any]:
    """Return the rows on the other side of the relation, all of which are about to be removed."""
    sides = [field for field in through._meta.fields if field.is_relation]
    own = next(field for field in sides if field.related_model is type(instance))
    other = next(field for field in sides if field is not own)
    rows = through._default_manager.filter(**{own.name: instance}).select_related(other.name)
    return [getattr(row, other.name) for row in rows]


def _kind_of(row: Any) -> str:
    return "groups" if isinstance(row, Group) else "permissions"


def _label(row: Any) -> str:
    if isinstance(row, Permission):
        return f"{row.content_type.app_label}.{row.codename}"
    return str(row)


def _subject(row: Any) -> Subject:
    return Subject(str(row._meta.verbose_name), str(row.pk), str(row))
