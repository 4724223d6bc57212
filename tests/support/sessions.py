"""Sessions of users with given permissions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Permission, User
from django.test import Client

LogIn = Callable[..., Client]


def session_cookie(user: User | AnonymousUser) -> bytes:
    """Log the user in, and return the Cookie header of the session; b"" for nobody."""
    if not user.is_authenticated:
        return b""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}".encode()


@pytest.fixture
def log_in(db: None) -> LogIn:
    """Return a function that logs in a staff user with exactly the given permissions."""

    def log_in(*permissions: str) -> Client:
        user = User.objects.create_user("somebody", password="x", is_staff=True)
        for permission in permissions:
            app, _, codename = permission.partition(".")
            found = Permission.objects.get(content_type__app_label=app, codename=codename)
            user.user_permissions.add(found)
        client = Client()
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def viewer(log_in: LogIn) -> Client:
    return log_in("deployments.view_deployment")
