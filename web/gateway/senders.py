"""Who sends a request that is still arriving: whether it is staff, who may send large bodies."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from web.session_user import user_of_cookies

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_ReadUser = Callable[[str], "User | None"]
_readers: list[_ReadUser] = []


def read_authorization_with(read: _ReadUser) -> None:
    """Have a function find the user of an Authorization header. Call this when Django has started."""
    if read not in _readers:
        _readers.append(read)


def is_staff(*, cookies: str, authorization: str) -> bool:
    """Whether the headers are those of a staff user; an Authorization header replaces the session."""
    if authorization:
        users = (read(authorization) for read in _readers)
        return any(user is not None and user.is_staff for user in users)
    return user_of_cookies(cookies).is_staff
