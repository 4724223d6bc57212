"""Calls that end while somebody still waits for a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from targets.cloudflare.retries import Patience, using

_CALL_SECONDS: Final = 6.0
_ALL_SECONDS: Final = 9.0


@contextmanager
def briefly(account: Account) -> Iterator[Account]:
    """Yield the same account, whose calls end while somebody still waits for the page."""
    brief = replace(account)
    vars(brief)["client"] = account.client.with_options(timeout=_CALL_SECONDS)
    until = time.monotonic() + _ALL_SECONDS

    def pause(seconds: float) -> None:
        if time.monotonic() + seconds > until:
            raise _silent(account)
        time.sleep(seconds)

    with using(Patience(longest=1.0, pause=pause)):
        yield brief


def _silent(account: Account) -> DeployError:
    return DeployError(
        f"{account.api_base_url} took longer than {_ALL_SECONDS:.0f} seconds to answer. Try again "
        "in a moment.",
        cause=Cause.UNREACHABLE,
    )
