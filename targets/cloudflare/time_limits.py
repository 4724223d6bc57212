"""Time limits for calls to a target: a person, or the next target, waits for the response."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Final

from targets.cloudflare import retries
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.retries import RetryPolicy

PAGE_SECONDS: Final = 2.0
"""How long a page waits for a target before it renders without the response."""
_CALL_SECONDS: Final = 6.0
_TOTAL_SECONDS: Final = 9.0
_MAX_WAIT: Final = 1.0


@lru_cache(maxsize=128)
def with_timeout(account: Account, seconds: float = PAGE_SECONDS) -> Account:
    """Return the same account, with calls that time out after `seconds`."""
    limited = replace(account)
    vars(limited)["client"] = account.client.with_options(timeout=seconds)
    return limited


def until_deadline(seconds: float = PAGE_SECONDS, *, max_wait: float | None = None) -> RetryPolicy:
    """Return a policy that retries until `seconds` from now."""
    deadline = time.monotonic() + seconds

    def sleep(pause: float) -> None:
        if time.monotonic() + pause > deadline:
            raise DeployError(
                f"The target did not respond within {seconds:.0f} seconds. Try again in a moment.",
                cause=Cause.UNREACHABLE,
            )
        time.sleep(pause)

    return RetryPolicy(max_wait=seconds if max_wait is None else max_wait, sleep=sleep)


@contextmanager
def time_limited(account: Account) -> Iterator[Account]:
    """Yield the account for the few calls of a form that someone has submitted."""
    with retries.using(until_deadline(_TOTAL_SECONDS, max_wait=_MAX_WAIT)):
        yield with_timeout(account, _CALL_SECONDS)
