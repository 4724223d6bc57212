from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from django.db import OperationalError

from web.streams.responses import serve


def test_an_error_ends_the_response_so_that_the_client_connects_again() -> None:
    sent: list[Any] = []

    async def frames() -> AsyncGenerator[bytes]:
        yield b"data: 1\n\n"
        raise OperationalError("the database is being restarted")

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(serve(frames(), receive, send))

    assert [message.get("body") for message in sent] == [None, b"data: 1\n\n", b""]
    assert not sent[-1].get("more_body", False)
