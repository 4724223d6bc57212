"""Which calls are made again, how long is waited, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from deployments.pipeline.errors import Cancelled
from targets.cloudflare import retries
from targets.cloudflare.retries import RetryingClient, RetryPolicy, retry_after


class Answers:
    """A target that gives these answers, the last one for ever."""

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
def test_what_can_be_done_twice_is_tried_again(method: str) -> None:
    answers = Answers(503, 500, 200)

    assert call(answers, method) == 200
    assert answers.calls == 3


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_may_have_been_done_is_not_tried_again(method: str) -> None:
    answers = Answers(503, 200)

    assert call(answers, method) == 503
    assert answers.calls == 1


def test_what_was_refused_for_its_rate_was_not_done() -> None:
    assert call(Answers(429, 200), "POST") == 200


def test_it_waits_as_long_as_the_target_asks_and_says_until_when() -> None:
    waited: list[float] = []
    told: list[datetime | None] = []

    call(Answers(429, 200), "GET", sleep=waited.append, on_wait=told.append)

    assert waited == [7.0]
    assert told[0]
    assert told[1] is None
    assert abs(told[0] - datetime.now(UTC) - timedelta(seconds=7)) < timedelta(seconds=2)


def test_a_wait_that_is_too_long_is_the_callers_to_tell() -> None:
    answers = Answers(429, 200, after="120")

    assert call(answers, "GET") == 429
    assert answers.calls == 1


def test_tries_come_to_an_end() -> None:
    answers = Answers(503)

    assert call(answers, "GET") == 503
    assert answers.calls == 4


def test_a_wait_can_be_ended() -> None:
    def cancelled(_seconds: float) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        call(Answers(429, 200), "GET", sleep=cancelled)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("10", 10), ("Wed, 25 Nov 2020 12:00:00 +0000", 0), ("soon", 60)],
)
def test_a_time_is_given_in_seconds_or_as_a_date(header: str, seconds: float) -> None:
    assert retry_after({"retry-after": header}) == seconds
