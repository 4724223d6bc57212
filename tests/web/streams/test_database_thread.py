from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Sequence

import pytest
from django.db import OperationalError, connection

from web.streams.database_thread import in_database

pytestmark = pytest.mark.django_db(transaction=True)


def used_connection() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return id(connection.connection)


def is_connected() -> bool:
    return connection.connection is not None


def gather(*calls: Awaitable[object]) -> Sequence[object]:
    async def scenario() -> Sequence[object]:
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(scenario())


def test_calls_that_wait_for_each_other_share_a_connection_which_is_then_closed() -> None:
    used = gather(*(in_database(used_connection) for _ in range(5)))

    assert len(set(used)) == 1
    assert gather(in_database(is_connected)) == [False]


def test_there_is_one_thread_for_all_streams() -> None:
    threads = gather(*(in_database(threading.get_ident) for _ in range(20)))

    assert len(set(threads)) == 1


def test_a_connection_that_has_failed_is_not_used_again() -> None:
    def fail() -> None:
        used_connection()
        raise OperationalError("the server has closed the connection")

    failed, is_still_connected, used = gather(
        *(in_database(call) for call in (fail, is_connected, used_connection))
    )

    assert isinstance(failed, OperationalError)
    assert (is_still_connected, bool(used)) == (False, True)


def test_a_call_whose_stream_has_ended_does_not_keep_the_connection_open() -> None:
    may_go_on = threading.Event()

    async def scenario() -> None:
        first = asyncio.ensure_future(in_database(may_go_on.wait))
        second = asyncio.ensure_future(in_database(used_connection))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        may_go_on.set()
        await first

    asyncio.run(scenario())
    gather(in_database(used_connection))

    assert gather(in_database(is_connected)) == [False]
