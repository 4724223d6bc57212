"""Asking a target that may hang: a page waits for it, or all other targets do."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Final

from cloudflare import Cloudflare

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.retries import Patience

LONGEST: Final = 2.0  # seconds that a page waits for a target


@dataclass(frozen=True, kw_only=True)
class _Quick(Account):
    """The account, for somebody who waits."""

    usual: Account
    seconds: float

    @cached_property
    def client(self) -> Cloudflare:
        return self.usual.client.with_options(timeout=self.seconds)


@lru_cache(maxsize=128)
def quick(account: Account, seconds: float = LONGEST) -> Account:
    """Return the account with calls that are given up soon."""
    values = {one.name: getattr(account, one.name) for one in fields(Account)}
    return _Quick(**values, usual=account, seconds=seconds)


def hasty(longest: float = LONGEST) -> Patience:
    """Return a patience that ends when somebody has waited long enough."""
    deadline = time.monotonic() + longest

    def pause(seconds: float) -> None:
        if time.monotonic() + seconds > deadline:
            raise DeployError(
                f"The target did not answer within {longest:.0f} seconds.", cause=Cause.UNREACHABLE
            )
        time.sleep(seconds)

    return Patience(longest=longest, pause=pause)
