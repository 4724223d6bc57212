"""Viewers of a Worker's logs share one tail and need permission."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from pytest_django import Settings

from deployments.models import Deployment
from runs.logs import consumer, log_lines, tail_hub
from runs.logs.tail_client import SizedEvent
from runs.logs.tail_hub import OnEvent, watch_tail
from targets.cloudflare.errors import DeployError
from tests.runs.examples import live_deployment
from tests.runs.logs.log_sockets import open_socket, wait_until_live
from tests.support.patience import PATIENCE
from web.streams import sockets
from workflows.services import set_variable


class Tails:
    """Fake tails that send the events of a test."""

    def __init__(self) -> None:
        self.opened = self.closed = 0
        self.error: DeployError | None = None
        self.queues: list[asyncio.Queue[dict[str, Any] | None]] = []

    @asynccontextmanager
    async def __call__(self, _live: Deployment) -> AsyncGenerator[AsyncGenerator[SizedEvent]]:
        self.opened += 1
        if self.error:
            raise self.error
        self.queues.append(asyncio.Queue())
        try:
            yield self._events(self.queues[-1])
        finally:
            self.closed += 1

    async def _events(
        self, queue: asyncio.Queue[dict[str, Any] | None]
    ) -> AsyncGenerator[SizedEvent]:
        while (event := await queue.get()) is not None:
            yield event, len(str(event))


@pytest.fixture
def tails(monkeypatch: pytest.MonkeyPatch) -> Tails:
    fake = Tails()
    monkeypatch.setattr(tail_hub, "open_tail", fake)
    return fake


async def run_tasks() -> None:
    """Let every task run as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


def make_live(**fields: Any) -> Deployment:
    return Deployment(worker_name="awaitstep-shared", **fields)


def ignore(_event: dict[str, Any], _size: int) -> None:
    pass


def keep(received: list[dict[str, Any]], event: dict[str, Any], _size: int) -> None:
    received.append(event)


async def watch(on_event: OnEvent, opened: list[bool] | None = None) -> None:
    async def on_open() -> None:
        if opened is not None:
            opened.append(True)

    await watch_tail(make_live(), on_event, on_open=on_open)


def test_every_viewer_learns_when_the_tail_is_open(tails: Tails) -> None:
    opened: list[list[bool]] = [[], []]

    async def scenario() -> None:
        watching = []
        for each in opened:
            watching.append(asyncio.ensure_future(watch(ignore, each)))
            await run_tasks()
        tails.queues[0].put_nowait(None)
        await asyncio.gather(*watching)

    asyncio.run(scenario())

    assert opened == [[True], [True]]


def test_viewers_share_one_tail_until_the_last_leaves(tails: Tails) -> None:
    received: list[list[dict[str, Any]]] = [[], []]

    async def scenario() -> None:
        watching = [asyncio.ensure_future(watch(partial(keep, events))) for events in received]
        await run_tasks()
        tails.queues[0].put_nowait({"n": 1})
        await run_tasks()
        watching[0].cancel()
        await run_tasks()
        tails.queues[0].put_nowait({"n": 2})
        await run_tasks()
        assert (tails.opened, tails.closed) == (1, 0)
        watching[1].cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    asyncio.run(scenario())

    assert received == [[{"n": 1}], [{"n": 1}, {"n": 2}]]
    assert (tails.opened, tails.closed) == (1, 1)


def test_all_viewers_get_the_error_of_a_tail_and_the_next_opens_it_again(tails: Tails) -> None:
    tails.error = DeployError("too many tails")

    async def scenario() -> list[Any]:
        both = [watch(ignore) for _ in range(2)]
        results = await asyncio.gather(*both, return_exceptions=True)
        tails.error = None
        again = asyncio.ensure_future(watch(ignore))
        await run_tasks()
        tails.queues[0].put_nowait(None)
        await again
        return results

    results = asyncio.run(scenario())

    assert [str(result) for result in results] == ["too many tails"] * 2
    assert tails.opened == 2


@pytest.mark.django_db(transaction=True)
def test_a_viewer_who_logs_out_is_disconnected(
    tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "RIGHTS_CHECK_SECONDS", 0)
    live, ada = live_deployment(), User.objects.create_superuser("ada")

    async def scenario() -> tuple[str, int]:
        async with open_socket(live.workflow_public_id, ada) as socket:
            await wait_until_live(socket)
            await Session.objects.all().adelete()
            message = json.loads(await socket.receive_from(timeout=PATIENCE))
            return message["error"], (await socket.receive_output(timeout=PATIENCE))["code"]

    assert asyncio.run(scenario()) == ("You no longer have permission to view runs.", 4403)


@pytest.mark.django_db(transaction=True)
def test_a_secret_that_is_set_while_logs_are_shown_is_masked(
    tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "SECRETS_SECONDS", 0)
    live, ada = live_deployment(), User.objects.create_superuser("ada")

    async def scenario() -> Any:
        async with open_socket(live.workflow_public_id, ada) as socket:
            await wait_until_live(socket)
            secret = partial(set_variable, "TOKEN", "sentinel", workflow=live.workflow)
            await asyncio.to_thread(secret, is_secret=True)
            tails.queues[0].put_nowait({"logs": [{"message": ["it is sentinel"]}]})
            return json.loads(await socket.receive_from(timeout=PATIENCE))

    assert [line["text"] for line in asyncio.run(scenario())["lines"]] == [
        "invocation",
        "it is •••",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_trace_that_cannot_be_read_does_not_end_the_stream(
    tails: Tails, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, ada = live_deployment(), User.objects.create_superuser("ada")
    read = log_lines.log_lines

    def failing(event: dict[str, Any], **options: Any) -> Any:
        if event.get("breaks"):
            raise ZeroDivisionError
        return read(event, **options)

    monkeypatch.setattr(consumer, "log_lines", failing)

    async def scenario() -> Any:
        async with open_socket(live.workflow_public_id, ada) as socket:
            await wait_until_live(socket)
            tails.queues[0].put_nowait({"breaks": True})
            tails.queues[0].put_nowait({"logs": [{"message": ["still here"]}]})
            return json.loads(await socket.receive_from(timeout=PATIENCE))

    assert [line["text"] for line in asyncio.run(scenario())["lines"]] == [
        "invocation",
        "still here",
    ]


def test_a_page_that_reads_nothing_keeps_few_large_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "_MAX_BYTES", 10_000)
    socket = consumer.LogConsumer()
    socket.events, socket.events_size, socket.lost = deque(), 0, 0

    for number in range(100):
        socket._on_event({"n": number}, 3_000)

    assert [event["n"] for event, _ in socket.events] == [97, 98, 99]
    assert (socket.events_size, socket.lost) == (9_000, 97)


@pytest.mark.django_db(transaction=True)
def test_a_user_has_a_limited_number_of_sockets(tails: Tails, settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"streams_per_user": 1})
    live, ada = live_deployment(), User.objects.create_superuser("ada")

    async def scenario() -> tuple[str, int]:
        async with open_socket(live.workflow_public_id, ada) as first:
            await wait_until_live(first)
            async with open_socket(live.workflow_public_id, ada) as second:
                message = json.loads(await second.receive_from(timeout=PATIENCE))
                refusal = message["error"], (await second.receive_output(timeout=PATIENCE))["code"]
        async with open_socket(live.workflow_public_id, ada) as third:
            await wait_until_live(third)
        return refusal

    sentence = "You have 1 open WebSockets on this server. Close some of the pages."
    assert asyncio.run(scenario()) == (sentence, 4429)
    assert not sockets._open
