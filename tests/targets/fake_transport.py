"""Lets every target answer in the process of the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from targets import lookup
from targets.cloudflare import account, time_limits
from targets.cloudflare.retries import RetryingClient


@contextmanager
def answering_as(
    fake: Callable[[httpx.Request], httpx.Response], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Let `fake` answer all requests to targets in the block."""
    client = RetryingClient(transport=httpx.MockTransport(fake))
    monkeypatch.setattr(account, "shared_client", lambda: client)
    _forget_accounts()
    yield
    _forget_accounts()
    client.close()


def _forget_accounts() -> None:
    """Clear the caches of accounts, which hold their clients."""
    lookup._account.cache_clear()
    time_limits.with_timeout.cache_clear()
