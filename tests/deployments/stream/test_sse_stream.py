from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async

from deployments.pipeline.stages import HAPPY_PATH, Stage, Status
from deployments.queue import leases, transitions
from deployments.queue.leases import Claim
from deployments.stream import event_log
from deployments.stream import sse_stream as stream
from deployments.stream.sse_stream import stream_events
from tests.deployments.factories import make_deployment

pytestmark = pytest.mark.django_db(transaction=True)


async def yes() -> bool:
    return True


def numbers(frames: bytes) -> list[int]:
    return [int(line[4:]) for line in frames.decode().splitlines() if line.startswith("id: ")]


def hold() -> Claim:
    return leases.grant(make_deployment(status="running"))


def enter(held: Claim, *stages: Stage) -> None:
    for stage in stages:
        transitions.enter(held.deployment.pk, held.token, stage=stage)


async def rest(frames: AsyncGenerator[bytes]) -> bytes:
    async with asyncio.timeout(20):
        return b"".join([frame async for frame in frames])


async def read(held: Claim, cursor: int) -> bytes:
    async with aclosing(channel(held, cursor)) as opened:
        return await rest(opened)


def channel(held: Claim, cursor: int | None) -> AsyncGenerator[bytes]:
    return stream_events(event_log.channel_of(held.deployment.pk), cursor, still_allowed=yes)


async def scenario_of_a_finished_deployment() -> tuple[bytes, bytes, bytes]:
    held = await sync_to_async(hold)()
    await sync_to_async(enter)(held, *HAPPY_PATH)
    return await read(held, 0), await read(held, 7), await read(held, 10)


def test_a_finished_deployment_is_replayed_from_the_cursor_and_ends_with_its_result() -> None:
    whole, part, nothing = asyncio.run(scenario_of_a_finished_deployment())

    assert [numbers(frames) for frames in (whole, part, nothing)] == [
        [*range(1, 11)],
        [8, 9, 10],
        [],
    ]
    for frames in (whole, part, nothing):
        *_, name, data = frames.decode().strip().splitlines()
        assert name == "event: result"
        assert json.loads(data.removeprefix("data: "))["status"] == "succeeded"


async def scenario_of_a_client_of_awaitstep() -> bytes:
    held = await sync_to_async(hold)()
    await sync_to_async(enter)(held, *HAPPY_PATH)
    name = event_log.channel_of(held.deployment.pk)
    return await rest(stream_events(name, 0, still_allowed=yes, is_named=True))


def test_stages_are_also_sent_as_awaitsteps_clients_expect_them() -> None:
    frames = asyncio.run(scenario_of_a_client_of_awaitstep())

    _opening, first, second, *_ = frames.decode().split("\n\n")
    assert first.splitlines()[:2] == ["event: progress", "id: 0"]
    assert second.splitlines() == ["id: 1", first.splitlines()[2]]
    assert frames.count(b"event: progress") == len(HAPPY_PATH)
    assert frames.count(b"event: result") == 1


async def scenario_of_stages_that_come_in_a_burst() -> list[bytes]:
    held = await sync_to_async(hold)()
    streams = [channel(held, 0) for _ in range(20)]
    for opened in streams:
        await anext(opened)
    reading = [asyncio.ensure_future(rest(opened)) for opened in streams]
    await database_sync_to_async(enter, thread_sensitive=False)(held, *HAPPY_PATH)
    return await asyncio.gather(*reading)


def test_every_reader_gets_every_stage_once_and_in_order() -> None:
    for frames in asyncio.run(scenario_of_stages_that_come_in_a_burst()):
        assert numbers(frames) == [*range(1, 11)]


def fail(held: Claim) -> None:
    enter(held, Stage.INITIALIZING)
    transitions.end(held.deployment.pk, held.token, status=Status.FAILED, message="because")


async def scenario_of_a_failure() -> bytes:
    held = await sync_to_async(hold)()
    await sync_to_async(fail)(held)
    return await read(held, 0)


def test_a_failure_ends_the_stream_too() -> None:
    frames = asyncio.run(scenario_of_a_failure()).decode()

    assert 'data: {"stage": "FAILED", "message": "because", "progress": 5}' in frames
    assert '"status": "failed"' in frames


async def scenario_of_the_dashboard() -> bytes:
    stream = stream_events(event_log.ALL, None, still_allowed=yes)
    await anext(stream)
    held = await database_sync_to_async(hold, thread_sensitive=False)()
    await database_sync_to_async(enter, thread_sensitive=False)(held, Stage.INITIALIZING)
    async with asyncio.timeout(20), aclosing(stream):
        frames = b""
        while frames.count(b"data: ") < 2:
            frames += await anext(stream)
    return frames


def test_the_dashboard_receives_new_deployments_and_their_stages() -> None:
    frames = asyncio.run(scenario_of_the_dashboard())

    assert b'"stage": ""' in frames
    assert b'"stage": "INITIALIZING"' in frames


def test_the_dashboards_cursor_is_the_newest_record_of_all() -> None:
    whole, started = hold(), hold()
    enter(whole, *HAPPY_PATH)
    enter(started, Stage.INITIALIZING)

    storage = event_log.StageRecordStorage()

    assert storage.get_current_id(event_log.ALL) == started.deployment.records.get().pk
    assert storage.get_events(event_log.ALL, storage.get_current_id(event_log.ALL)) == []
    assert storage.get_current_id(event_log.channel_of(whole.deployment.pk)) == 10


async def scenario_of_a_right_that_is_taken() -> bytes:
    async def no() -> bool:
        return False

    return await rest(stream_events(event_log.ALL, None, still_allowed=no))


def test_a_stream_ends_when_the_permission_is_revoked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "RIGHTS_CHECK_SECONDS", 0)

    assert b"data:" not in asyncio.run(scenario_of_a_right_that_is_taken())


async def scenario_of_a_page() -> str:
    held = await sync_to_async(hold)()
    name = event_log.channel_of(held.deployment.pk)
    opened = stream_events(name, 0, still_allowed=yes, for_page=True)
    await anext(opened)
    for stage in HAPPY_PATH[:2]:
        await database_sync_to_async(enter, thread_sensitive=False)(held, stage)
        frames = await anext(opened)
        while b"event: stages" not in frames:
            frames += await anext(opened)
    await opened.aclose()
    return frames.decode()


def test_a_page_gets_the_html_of_the_rows_that_a_stage_changes() -> None:
    stage, rows, _end = asyncio.run(scenario_of_a_page()).split("\n\n")

    assert stage.startswith("id: 2\n")
    name, html = rows.split("\n")
    assert name == "event: stages"
    assert re.findall(r'<li id="(\S+)" class="stage stage-(\w+)"', html) == [
        ("stage-initializing", "done"),
        ("stage-generating_code", "current"),
    ]
