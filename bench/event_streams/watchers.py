"""A process that watches event streams: `python -m bench.event_streams.watchers PORT`, with commands on stdin.

cookies [COOKIE, ...]         use these in turn for the streams that are opened
open CHANNEL NUMBER ADDRESS   open streams, and print the seconds until all are open
reconnect                     close all streams and open them again, after the last event of each
end {CHANNEL: {ID: TIME}}     print for each channel the delays of these events, and how many are missing
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from typing import Any, Final

_ID: Final = re.compile(rb"^id: ([0-9]+)\r?$", re.MULTILINE)
_AT_ONCE: Final = 200  # connections that are being opened
_LONGEST_WAIT: Final = 60.0  # seconds for events that have not arrived at the end


class Stream(asyncio.Protocol):
    """A connection, which records when each event arrives."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher, self._rest = watcher, b""
        self.is_open = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.write(self._watcher.request)
        self._watcher.transport = transport

    def data_received(self, data: bytes) -> None:
        now = time.time()
        head, _, self._rest = (self._rest + data).rpartition(b"\n\n")
        if not head:
            return
        if not self.is_open.done():
            status = head.split(b" ", 2)[1]
            if status != b"200":
                self.is_open.set_exception(ConnectionError(head.decode()))
                return
            self.is_open.set_result(None)
        for found in _ID.finditer(head):
            self._watcher.record(int(found[1]), now)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.is_open.done():
            self.is_open.set_exception(error or ConnectionError("closed before it was open"))


class Watcher:
    """A client of one stream."""

    def __init__(self, channel: str, address: str, *, cookie: str) -> None:
        self.channel, self._address, self._cookie = channel, address, cookie
        self.arrived: dict[int, float] = {}
        self.repeated = 0
        self.transport: asyncio.Transport | None = None

    @property
    def request(self) -> bytes:
        cursor = f"Last-Event-ID: {max(self.arrived)}\r\n" if self.arrived else ""
        head = f"GET {self._address} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        return f"{head}Cookie: {self._cookie}\r\n{cursor}\r\n".encode()

    def record(self, number: int, now: float) -> None:
        self.repeated += number in self.arrived
        self.arrived.setdefault(number, now)

    async def open(self, port: int, turn: asyncio.Semaphore) -> None:
        async with turn:
            loop = asyncio.get_running_loop()
            _, stream = await loop.create_connection(lambda: Stream(self), "127.0.0.1", port)
            await stream.is_open

    def close(self) -> None:
        if self.transport:
            self.transport.abort()


async def _open(watchers: Sequence[Watcher], port: int) -> float:
    started, turn = time.perf_counter(), asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(watcher.open(port, turn) for watcher in watchers))
    return time.perf_counter() - started


async def _end(watchers: Sequence[Watcher], sent: dict[str, dict[str, float]]) -> Any:
    """Return the delays by channel, once all events have arrived or the wait is over."""
    expected = {channel: {int(number) for number in times} for channel, times in sent.items()}
    deadline = time.monotonic() + _LONGEST_WAIT
    while time.monotonic() < deadline:
        if all(expected[watcher.channel] <= watcher.arrived.keys() for watcher in watchers):
            break
        await asyncio.sleep(0.1)
    results: dict[str, Any] = defaultdict(lambda: {"delays": [], "lost": 0, "repeated": 0})
    for watcher in watchers:
        result = results[watcher.channel]
        result["repeated"] += watcher.repeated
        for number, at in sent[watcher.channel].items():
            arrived = watcher.arrived.get(int(number))
            if arrived is None:
                result["lost"] += 1
            else:
                result["delays"].append(round(arrived - at, 5))
    return results


async def _main(port: int) -> None:
    watchers: list[Watcher] = []
    cookies = cycle([""])
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, _, arguments = line.strip().partition(" ")
        answer: Any = None
        if command == "cookies":
            cookies = cycle(json.loads(arguments))
        elif command == "open":
            channel, number, address = arguments.split()
            new = [Watcher(channel, address, cookie=next(cookies)) for _ in range(int(number))]
            watchers += new
            answer = await _open(new, port)
        elif command == "reconnect":
            for watcher in watchers:
                watcher.close()
            answer = await _open(watchers, port)
        elif command == "end":
            answer = await _end(watchers, json.loads(arguments))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
