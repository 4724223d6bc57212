"""Retries of calls that a busy target could not handle, within the caller's retry policy.

A rate-limited call was not carried out, so it is always safe to retry. After any other failure
only idempotent calls are retried, because the target may have carried out the first one.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Final

import httpx
from cloudflare import DefaultHttpxClient
from tenacity import RetryCallState, Retrying, retry_if_exception, retry_if_result
from tenacity.stop import stop_after_attempt
from tenacity.wait import wait_random_exponential

from targets.cloudflare.response_cleaning import cleaned

_MAX_ATTEMPTS: Final = 4
_TOO_MANY_REQUESTS: Final = 429
_KEEPALIVE_SECONDS: Final = 2.0  # Node servers close idle connections after 5
_DEFAULT_RETRY_AFTER: Final = 60.0  # seconds, for a 429 without Retry-After
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=4)


def _ignore(_until: datetime | None) -> None:
    """Report nothing: a page does not show that it waits for a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long a caller waits when a target asks it to; `max_wait` is in seconds.

    `on_wait` receives the end of a wait, and None when the wait is over. `sleep` may raise to end it.
    """

    max_wait: float = 2.0
    on_wait: Callable[[datetime | None], None] = _ignore
    sleep: Callable[[float], None] = time.sleep

    def wait(self, seconds: float) -> None:
        self.on_wait(datetime.now(UTC) + timedelta(seconds=seconds))
        try:
            self.sleep(seconds)
        finally:
            self.on_wait(None)


_DEFAULT: Final = RetryPolicy()
_current: ContextVar[RetryPolicy | None] = ContextVar("retry_policy", default=None)


@contextmanager
def using(policy: RetryPolicy) -> Iterator[None]:
    """Apply the policy to all calls in the body."""
    token = _current.set(policy)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> RetryPolicy:
    """Return the caller's retry policy."""
    return _current.get() or _DEFAULT


class NotTheApi(Exception):
    """A page came back, so the base URL is not that of an API."""


class RetryingClient(DefaultHttpxClient):
    """The SDK's own HTTP client, with retries when they are safe; responses never hold the token."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        policy = current()
        retrying = Retrying(
            stop=stop_after_attempt(_MAX_ATTEMPTS),
            wait=_wait,
            sleep=policy.wait,
            before_sleep=_close,
            retry=retry_if_exception(lambda error: _is_retryable_error(request, error))
            | retry_if_result(lambda response: _is_retryable_response(policy, response)),
            retry_error_callback=_last_response,
        )
        response: httpx.Response = retrying(super().send, request, **options)
        if response.is_success and "html" in response.headers.get("content-type", ""):
            response.close()
            raise NotTheApi
        return cleaned(response, request.headers.get("Authorization", ""))


@cache
def shared_client() -> RetryingClient:
    """Return the client that all accounts of this process share, with its connection pool.

    Idle connections are closed before the server would close them; otherwise the next call could
    fail.
    """
    client = RetryingClient(limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS))
    atexit.register(client.close)
    return client


def _is_retryable_error(request: httpx.Request, error: BaseException) -> bool:
    """A refused connection is not retried: nothing will listen there a moment later either."""
    if isinstance(error, httpx.ConnectError):
        return False
    return isinstance(error, httpx.TransportError) and request.method in _IDEMPOTENT


def _is_retryable_response(policy: RetryPolicy, response: httpx.Response) -> bool:
    if response.status_code == _TOO_MANY_REQUESTS:
        return retry_after(response.headers) <= policy.max_wait
    return response.status_code >= 500 and response.request.method in _IDEMPOTENT


def _wait(state: RetryCallState) -> float:
    outcome = state.outcome
    if outcome and not outcome.failed and outcome.result().status_code == _TOO_MANY_REQUESTS:
        return retry_after(outcome.result().headers)
    return _BACKOFF(state)


def _close(state: RetryCallState) -> None:
    """Return the connection to the pool before the next attempt."""
    if state.outcome and not state.outcome.failed:
        state.outcome.result().close()


def _last_response(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def retry_after(headers: Any) -> float:
    """Return the seconds of a Retry-After header, which holds a number or a date."""
    value = str(headers.get("retry-after", "")).strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0)
    except (TypeError, ValueError):
        return _DEFAULT_RETRY_AFTER
