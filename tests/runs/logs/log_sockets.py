"""The WebSocket of a Worker's live logs, opened in this process."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.urls import path

from runs.logs.consumer import LogConsumer

_ROUTES = URLRouter([path("logs/<str:workflow>/", LogConsumer.as_asgi())])


@asynccontextmanager
async def open_socket(workflow: str, user: Any) -> AsyncGenerator[WebsocketCommunicator]:
    socket = WebsocketCommunicator(_ROUTES, f"/logs/{workflow}/")
    socket.scope["user"] = user
    await socket.connect()
    yield socket
    await socket.disconnect()
