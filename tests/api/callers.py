"""Callers of the API: keys of users with given permissions."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client

from api.keys.services import create_key

EVERY_SCOPE = ("read", "write", "deploy")


def make_user(name: str = "ada", *permissions: str, **fields: Any) -> User:
    """A staff user with exactly these permissions."""
    user = User.objects.create_user(name, **{"is_staff": True} | fields)
    for permission in permissions:
        app, _, codename = permission.partition(".")
        found = Permission.objects.get(content_type__app_label=app, codename=codename)
        user.user_permissions.add(found)
    return user


def key_client(user: User, scopes: Collection[str] = EVERY_SCOPE, **options: Any) -> Client:
    """A client that sends a new key of the user, and no cookies."""
    made = create_key(name="CI", scopes=scopes, by=user, **options)
    return Client(headers={"Authorization": f"Bearer {made.token}"})


def superuser_client(**options: Any) -> Client:
    """A client with a key of a superuser."""
    return key_client(make_user("root", is_superuser=True), **options)
