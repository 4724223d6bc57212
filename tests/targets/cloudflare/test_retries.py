"""Which calls are retried, and how long the client waits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from deployments.pipeline.errors import Cancelled
from targets.cloudflare import retries
from targets.cloudflare.retries import RetryingClient, RetryPolicy, retry_after


class Answers:
    """A target that returns these statuses in order, then always the last one."""

    def __init__(self, *answers: int, after: str = "7") -> None:
        self.left = list(answers)
        self.after = after
        self.calls = 0

    def __call__(self, _request: httpx.Request) -> httpx.Response:
        self.calls += 1
        status = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        headers = {"retry-after": self.after} if status == 429 else {}
        return httpx.Response(status, headers=headers, json={})


def call(answers: Callable[[httpx.Request], httpx.Response], method: str, **kind: object) -> int:
    waited = RetryPolicy(**{"max_wait": 10.0, "sleep": lambda _seconds: None} | kind)  # type: ignore[arg-type]
    with (
        RetryingClient(transport=httpx.MockTransport(answers)) as client,
        retries.using(waited),
    ):
        return client.request(method, "https://target.example/").status_code


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_idempotent_calls_are_retried(method: str) -> None:
    answers = Answers(503, 500, 200)

    assert call(answers, method) == 200
    assert answers.calls == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_other_calls_are_not_retried(method: str) -> None:
    answers = Answers(503, 200)

    assert call(answers, method) == 503
    assert answers.calls == 1


def test_a_rate_limited_call_is_retried_whatever_its_method() -> None:
    assert call(Answers(429, 200), "POST") == 200


def test_it_waits_as_long_as_the_target_asks_and_reports_until_when() -> None:
    waited: list[float] = []
    messages: list[datetime | None] = []

    call(Answers(429, 200), "GET", sleep=waited.append, on_wait=messages.append)

    assert waited == [7.0]
    assert messages[0]
    assert messages[1] is None
    assert abs(messages[0] - datetime.now(UTC) - timedelta(seconds=7)) < timedelta(seconds=2)


def test_a_wait_that_is_too_long_is_not_waited_for() -> None:
    answers = Answers(429, 200, after="120")

    assert call(answers, "GET") == 429
    assert answers.calls == 1


def test_the_number_of_attempts_is_limited() -> None:
    answers = Answers(503)

    assert call(answers, "GET") == 503
    assert answers.calls == 4


def test_a_wait_can_be_interrupted() -> None:
    def cancelled(_seconds: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        call(Answers(429, 200), "GET", sleep=cancelled)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("10", 10), ("Wed, 25 Nov 2020 12:00:00 +0000", 0), ("soon", 60)],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(header: str, seconds: float) -> None:
    assert retry_after({"retry-after": header}) == seconds
