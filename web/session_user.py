"""The user of a session, read from the database each time it is asked for.

A session that has ended, or whose user has changed the password, has no user any more.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, parse_cookie

from web.asgi import Scope, header_value

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


async def current_user(scope: Scope) -> AbstractBaseUser | AnonymousUser:
    """Return the user of the request's session as of now."""
    return await user_of_cookies(header_value(scope, b"cookie"))


async def user_of_cookies(header: str) -> AbstractBaseUser | AnonymousUser:
    """Return the user of the session that a Cookie header names."""
    key = parse_cookie(header).get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return AnonymousUser()
    user: AbstractBaseUser | AnonymousUser = await database_sync_to_async(_user_of_session)(key)
    return user


def _user_of_session(key: str) -> AbstractBaseUser | AnonymousUser:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request)
