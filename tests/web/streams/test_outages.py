"""Event streams inform open pages when the embedded platform stops, and when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime

import pytest
from django.conf import settings

from deployments.stream import event_log
from deployments.stream.sse_stream import stream_events
from runs.index.watchers import ALL
from runs.stream.run_events import stream_changes
from toolchain import platform_outage
from toolchain.platform_outage import Outage

pytestmark = pytest.mark.django_db(transaction=True)

OUTAGE = Outage(since=datetime(2026, 1, 1, tzinfo=UTC), is_final=False)
EVENT = b"event: outage\ndata: {}\n\n"


@pytest.fixture(autouse=True)
def running() -> Iterator[None]:
    platform_outage.clear(settings.AWAITSTEP.data_dir)
    yield
    platform_outage.clear(settings.AWAITSTEP.data_dir)


async def yes() -> bool:
    return True


def streams() -> dict[str, AsyncGenerator[bytes]]:
    """The streams of the dashboard and of the list of runs."""
    return {
        "dashboard": stream_events(event_log.ALL, None, still_allowed=yes, for_page=True),
        "runs": stream_changes(ALL, still_allowed=yes),
    }


async def frames_of(name: str) -> list[bytes]:
    """Return what a page receives when the platform stops, and when it is back."""
    async with asyncio.timeout(20), aclosing(streams()[name]) as frames:
        await anext(frames)
        platform_outage.report(settings.AWAITSTEP.data_dir, OUTAGE)
        stopped = await next_event(frames)
        platform_outage.clear(settings.AWAITSTEP.data_dir)
        return [stopped, await next_event(frames)]


async def next_event(frames: AsyncGenerator[bytes]) -> bytes:
    """Return the next frame that is an event: on a busy machine, a keep-alive may come first."""
    return await anext(frame async for frame in frames if not frame.startswith(b":"))


@pytest.mark.parametrize("name", ["dashboard", "runs"])
def test_the_start_and_the_end_of_an_outage_are_announced(name: str) -> None:
    assert asyncio.run(frames_of(name)) == [EVENT, EVENT]
