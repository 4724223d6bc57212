"""The user of a session, read from the database each time.

A session that has ended, or whose user has changed the password, no longer has a user.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, parse_cookie

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def user_of_cookies(header: str) -> User | AnonymousUser:
    """Return the user of the session that a Cookie header names, as of now."""
    key = parse_cookie(header).get(settings.SESSION_COOKIE_NAME, "")
    if not key:
        return AnonymousUser()
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(key)
    return get_user(request)
