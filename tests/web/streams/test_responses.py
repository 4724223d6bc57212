from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django import Settings

from tests.web.gateway.requests import http_scope, respond
from web.streams.listener import opening_frame
from web.streams.responses import Refused, refusing, serve


def test_an_error_ends_the_response_so_that_the_client_connects_again() -> None:
    sent: list[Any] = []

    async def frames() -> AsyncGenerator[bytes]:
        yield b"data: 1\n\n"
        raise OperationalError("the database is being restarted")

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(serve(frames(), receive, send, user=1))

    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b""]
    assert not sent[-1].get("more_body", False)


async def one_frame() -> AsyncGenerator[bytes]:
    yield b"data: 1\n\n"


async def never() -> Any:
    await asyncio.Event().wait()


async def ignore(_message: Any) -> None:
    pass


def test_a_user_has_a_limited_number_of_open_streams(settings: Settings) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"streams_per_user": 2})
    is_open = asyncio.Semaphore(0)

    async def endless() -> AsyncGenerator[bytes]:
        is_open.release()
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    async def scenario() -> None:
        streams = [asyncio.create_task(serve(endless(), never, ignore, user=1)) for _ in range(2)]
        for _ in streams:
            await is_open.acquire()

        with pytest.raises(Refused) as refused:
            await serve(one_frame(), never, ignore, user=1)
        await serve(one_frame(), never, ignore, user=2)
        streams[0].cancel()
        await asyncio.wait(streams[:1])
        await serve(one_frame(), never, ignore, user=1)
        streams[1].cancel()

        assert (refused.value.status, refused.value.retry_after) == (429, 30)

    asyncio.run(scenario())


def test_a_refusal_says_when_to_try_again() -> None:
    @refusing
    async def handler(*_: Any) -> None:
        raise Refused(429, "Too many.", retry_after=30)

    status, headers = respond(handler, http_scope())

    assert (status, headers["retry-after"]) == (429, "30")


def test_proxies_are_asked_not_to_buffer_or_change_a_stream() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(serve(one_frame(), never, send, user=1))

    assert (b"x-accel-buffering", b"no") in sent[0]["headers"]
    assert (b"cache-control", b"no-cache, no-transform") in sent[0]["headers"]


def test_clients_do_not_all_connect_again_at_the_same_time() -> None:
    pauses = {int(opening_frame().split()[1]) for _ in range(100)}

    assert len(pauses) > 50
    assert all(1_000 <= pause <= 5_000 for pause in pauses)
