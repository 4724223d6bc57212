"""Calls that a busy target could not answer are made again, as long as the caller has patience.

A call that may have been done is made again only where doing it twice is doing it once; one that
was refused for its rate was not done, whatever it is.
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

_TRIES: Final = 4
_TOO_MANY: Final = 429
_IDLE: Final = 2.0  # seconds; servers of Node wait 5
_USUAL_WAIT: Final = 60.0  # seconds, where a refusal for the rate names no time
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=4)


def _not_told(_until: datetime | None) -> None:
    """A page does not say that it waits a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long somebody waits for a target that asks for it, `longest` in seconds.

    `told` hears until when, and None when the wait is over. `pause` may raise to end it.
    """

    longest: float = 2.0
    told: Callable[[datetime | None], None] = _not_told
    pause: Callable[[float], None] = time.sleep

    def wait(self, seconds: float) -> None:
        self.told(datetime.now(UTC) + timedelta(seconds=seconds))
        try:
            self.pause(seconds)
        finally:
            self.told(None)


_USUAL: Final = Patience()
_current: ContextVar[Patience | None] = ContextVar("patience", default=None)


@contextmanager
def using(patience: Patience) -> Iterator[None]:
    """Have the calls that the body makes wait so long."""
    token = _current.set(patience)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Patience:
    """Return the patience of whoever is calling."""
    return _current.get() or _USUAL


class PatientClient(DefaultHttpxClient):
    """The SDK's own HTTP client, whose calls are made again where that can do no harm."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        patience = current()
        retrying = Retrying(
            stop=stop_after_attempt(_TRIES),
            wait=_wait,
            sleep=patience.wait,
            before_sleep=_close,
            retry=retry_if_exception(lambda error: _may_repeat(request, error))
            | retry_if_result(lambda response: _is_worth(patience, response)),
            retry_error_callback=_last,
        )
        response: httpx.Response = retrying(super().send, request, **options)
        return response


@cache
def shared_client() -> PatientClient:
    """Return the one client of this process, whose connections all accounts use again.

    A connection is let go before a server ends it, which the next call would take for a failure.
    """
    client = PatientClient(limits=httpx.Limits(keepalive_expiry=_IDLE))
    atexit.register(client.close)
    return client


def _may_repeat(request: httpx.Request, error: BaseException) -> bool:
    """Where nothing listens, nothing will in a moment: that is told at once."""
    if isinstance(error, httpx.ConnectError):
        return False
    return isinstance(error, httpx.TransportError) and request.method in _IDEMPOTENT


def _is_worth(patience: Patience, response: httpx.Response) -> bool:
    if response.status_code == _TOO_MANY:
        return retry_after(response.headers) <= patience.longest
    return response.status_code >= 500 and response.request.method in _IDEMPOTENT


def _wait(state: RetryCallState) -> float:
    outcome = state.outcome
    if outcome and not outcome.failed and outcome.result().status_code == _TOO_MANY:
        return retry_after(outcome.result().headers)
    return _BACKOFF(state)


def _close(state: RetryCallState) -> None:
    """Give the connection of a refused call back before the next one."""
    if state.outcome and not state.outcome.failed:
        state.outcome.result().close()


def _last(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome else None


def retry_after(headers: Any) -> float:
    """Return the seconds that a refusal asks to wait, given as a number or as a date."""
    value = str(headers.get("retry-after", "")).strip()
    if value.isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0)
    except (TypeError, ValueError):
        return _USUAL_WAIT
