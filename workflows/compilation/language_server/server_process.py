"""One language server process: started, queried with a time limit, and killed if it gets stuck."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from toolchain import process
from toolchain.node_tools import TSC
from workflows.compilation.typescript import MEMORY_LIMIT

REQUEST_SECONDS: Final = 10.0
_START_SECONDS: Final = 30.0
_MAX_MESSAGE: Final = 16 * 1024 * 1024  # bytes
_MAX_HEADER: Final = 1024
_SOFT_MEMORY: Final = "512MiB"  # above this size, the server collects garbage as often as it can
_METHOD_NOT_FOUND: Final = -32601
_CAPABILITIES: Final = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "completion": {
            "completionItem": {
                "snippetSupport": False,
                "documentationFormat": ["markdown"],
                "insertReplaceSupport": False,
            },
        },
        "hover": {"contentFormat": ["markdown"]},
        "signatureHelp": {
            "signatureInformation": {
                "documentationFormat": ["markdown"],
                "activeParameterSupport": True,
            }
        },
        "definition": {"linkSupport": False},
        "diagnostic": {},
    },
}


class ServerFailed(Exception):
    """The server has ended."""


class NoAnswer(ServerFailed):
    """The server was killed because it did not respond in time."""


class LanguageServer:
    """A running server. Its process ends with `stop`, with this process, or when it gets stuck."""

    def __init__(self, program: subprocess.Popen[bytes]) -> None:
        self._program = program
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._last_id = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: asyncio.WriteTransport | None = None
        self._reading: asyncio.ReadTransport | None = None
        self.is_running = True

    @classmethod
    async def start(cls, folder: Path) -> LanguageServer:
        """Start a server for the project in the folder; raises ServerFailed."""
        program = process.start(
            [TSC, "--lsp", "--stdio"],
            cwd=folder,
            env=process.environment(home=folder, GOMEMLIMIT=_SOFT_MEMORY),
            memory_limit=MEMORY_LIMIT,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        server = cls(program)
        try:
            await server._connect()
            await server.request("initialize", _introduction(folder), seconds=_START_SECONDS)
            server.notify("initialized", {})
        except BaseException:
            await server.stop()
            raise
        return server

    @property
    def pid(self) -> int:
        return self._program.pid

    async def request(
        self, method: str, params: Mapping[str, Any], *, seconds: float | None = None
    ) -> Any:
        """Return the result, or None if the server refuses the request; raises ServerFailed."""
        seconds = REQUEST_SECONDS if seconds is None else seconds
        self._last_id += 1
        number = self._last_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self._send({"id": number, "method": method, "params": params})
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            await self.stop()
            raise NoAnswer(f"no response to {method} within {seconds:g} seconds") from None
        finally:
            self._waiting.pop(number, None)

    def notify(self, method: str, params: Mapping[str, Any]) -> None:
        """Send a message that expects no response; raises ServerFailed."""
        self._send({"method": method, "params": params})

    async def stop(self) -> None:
        """Kill the process and release its pipes."""
        self._fail("the server was stopped")
        with suppress(ProcessLookupError):
            os.killpg(self._program.pid, signal.SIGKILL)
        for transport in (self._writing, self._reading):
            if transport:
                transport.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._program.wait()
        await asyncio.sleep(0)  # the transports close their pipes in the next round of the loop

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_MAX_MESSAGE)
        self._reading, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), cast("IO[bytes]", self._program.stdout)
        )
        self._writing, _ = await loop.connect_write_pipe(
            asyncio.BaseProtocol, cast("IO[bytes]", self._program.stdin)
        )
        self._tasks = [asyncio.ensure_future(self._read(reader))]

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._receive(json.loads(await _body(reader)))
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError, OSError):
            self._fail("the server has ended")

    def _receive(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            answer = self._waiting.get(message.get("id", 0))
            if answer and not answer.done():
                answer.set_result(message.get("result"))
        elif "id" in message:
            error = {"code": _METHOD_NOT_FOUND, "message": "not supported"}
            with suppress(ServerFailed):
                self._send({"id": message["id"], "error": error})

    def _send(self, message: dict[str, Any]) -> None:
        if not self.is_running or self._writing is None or self._writing.is_closing():
            raise ServerFailed("the server has ended")
        text = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False)
        data = text.encode("utf-8", "replace")  # it ignores messages with a lone surrogate
        self._writing.write(b"Content-Length: %d\r\n\r\n%s" % (len(data), data))

    def _fail(self, reason: str) -> None:
        """Fail all pending requests, and accept no more."""
        self.is_running = False
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ServerFailed(reason))


async def _body(reader: asyncio.StreamReader) -> bytes:
    """Return the next message; raises ValueError if it is too large or not valid."""
    length = 0
    while line := (await reader.readuntil(b"\n")).strip():
        name, _, value = line.partition(b":")
        if len(line) > _MAX_HEADER:
            raise ValueError("the header is too long")
        if name.lower() == b"content-length":
            length = int(value)
    if not 0 < length <= _MAX_MESSAGE:
        raise ValueError("the message is too large")
    return await reader.readexactly(length)


def _introduction(folder: Path) -> dict[str, Any]:
    return {
        "processId": os.getpid(),
        "rootUri": folder.as_uri(),
        "capabilities": _CAPABILITIES,
        "trace": "off",
    }
