"""The limit on failed logins: by name and address, and by address for all names.

The old password that changes a password has a limit of its own, by user: someone who has taken over a session
may come from many addresses.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from web.models import LoginAttempt
from web.transaction_locks import lock_until_commit

WINDOW: Final = timedelta(minutes=15)
MAX_OF_NAME: Final = 5
"""Failed logins with one name from one address; other addresses can still log in with the name."""
MAX_OF_ADDRESS: Final = 30


@transaction.atomic
def begin(name: str, address: str) -> datetime | None:
    """Count an attempt before its password is checked; return when to try again if it may not be.

    An unknown address ("") has no limit of its own, because anyone may have it.
    """
    lock_until_commit("logins of an address", address)
    since = timezone.now() - WINDOW
    LoginAttempt.objects.filter(at__lt=since).delete()
    name_hash = _hash(name)
    of_address = LoginAttempt.objects.filter(address=address).order_by("-at")
    limits = [(of_address.filter(name_hash=name_hash), MAX_OF_NAME)]
    if address:
        limits.append((of_address, MAX_OF_ADDRESS))
    for attempts, most in limits:
        times = list(attempts.values_list("at", flat=True)[:most])
        if len(times) == most:
            return times[-1] + WINDOW
    LoginAttempt.objects.create(name_hash=name_hash, address=address)
    return None


def begin_change(user: int) -> datetime | None:
    """Count an attempt to change a password; return when to try again if it may not be."""
    return begin(_change_of(user), "")


def forget_change(user: int) -> None:
    """Forget the attempts of a user who knew the old password."""
    forget(_change_of(user), "")


def _change_of(user: int) -> str:
    """Return what counts instead of a name; nobody can log in with a line break in the name."""
    return f"password change\n{user}"


def forget(name: str, address: str) -> None:
    """Forget the attempts with this name from an address from which it has now logged in."""
    LoginAttempt.objects.filter(name_hash=_hash(name), address=address).delete()


def _hash(name: str) -> str:
    return salted_hmac("awaitstep.login", name.casefold(), algorithm="sha256").hexdigest()
