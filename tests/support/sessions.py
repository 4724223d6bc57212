"""Sessions of users with given permissions."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

LogIn = Callable[..., Client]


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
