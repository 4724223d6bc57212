"""The WebSocket of a Worker's live logs, opened in this process."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path

from runs.logs.consumer import LogConsumer
from tests.support.patience import PATIENCE
from tests.support.sessions import session_cookie

_ROUTES = URLRouter([path("logs/<str:workflow>/", LogConsumer.as_asgi())])


@asynccontextmanager
async def open_socket(workflow: str, user: Any) -> AsyncGenerator[WebsocketCommunicator]:
    headers = [(b"cookie", await database_sync_to_async(session_cookie)(user))]
    socket = WebsocketCommunicator(_ROUTES, f"/logs/{workflow}/", headers=headers)
    await socket.connect()
    yield socket
    await socket.disconnect()


async def wait_until_live(socket: WebsocketCommunicator) -> None:
    """Wait until the target is connected; earlier output is not received."""
    assert json.loads(await socket.receive_from(timeout=PATIENCE)) == {"live": True}
