from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from monitoring.asgi_routes import MonitoringRoutes
from monitoring.checks import Check, NotReady
from monitoring.readiness import Readiness
from tests.support.installation import Installation
from tests.support.plain_http import request
from tests.support.sessions import session_cookie
from tests.web.gateway.requests import http_scope, respond, teapot

NAMES = {"database", "migrations", "toolchain", "platform", "queue", "disk"}


def full() -> str:
    raise NotReady("0 bytes are free.")


def body_of(checks: Mapping[str, Check], cookie: bytes = b"") -> Any:
    """Return the parsed response to a request for /readyz."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        raise AssertionError("nothing is read")

    async def call() -> None:
        scope = http_scope("/readyz") | {"headers": [(b"cookie", cookie)]}
        await MonitoringRoutes(teapot, readiness=Readiness(checks))(scope, receive, send)

    asyncio.run(call())
    return json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/healthz", "GET", 200),
        ("/healthz", "HEAD", 200),
        ("/healthz", "POST", 405),
        ("/readyz", "GET", 503),
        ("/readyz", "DELETE", 405),
        ("/healthz/", "GET", 418),
        ("/x/healthz", "GET", 418),
    ],
)
def test_only_exact_paths_are_served(path: str, method: str, status: int) -> None:
    application = MonitoringRoutes(teapot, readiness=Readiness({"disk": full}))

    assert respond(application, http_scope(path, method=method))[0] == status


def test_the_response_is_not_stored() -> None:
    for path in ("/healthz", "/readyz"):
        _, headers = respond(MonitoringRoutes(teapot, readiness=Readiness({})), http_scope(path))
        assert (headers["cache-control"], headers["content-type"]) == (
            "no-store",
            "application/json",
        )


def reported(user: User | AnonymousUser, *, database: Check = lambda: "It responds.") -> Any:
    return body_of({"database": database, "disk": full}, session_cookie(user))


@pytest.mark.django_db(transaction=True)
def test_only_staff_see_details() -> None:
    assert reported(User.objects.create_user("ada", is_staff=True)) == {
        "status": "failed",
        "checks": {
            "database": {"status": "ok", "detail": "It responds."},
            "disk": {"status": "failed", "detail": "0 bytes are free."},
        },
    }
    nothing = {
        "status": "failed",
        "checks": {"database": {"status": "ok"}, "disk": {"status": "failed"}},
    }
    assert reported(User.objects.create_user("visitor")) == nothing
    assert reported(AnonymousUser()) == nothing
    assert body_of({"database": lambda: "", "disk": full}, b"awaitstep_session=x") == nothing


@pytest.mark.django_db(transaction=True)
def test_no_session_is_read_from_a_database_that_has_failed() -> None:
    found = reported(User.objects.create_user("ada", is_staff=True), database=full)

    assert found["checks"]["database"] == {"status": "failed"}


@pytest.mark.parametrize("host", ["10.0.0.7", "localhost", "a b", ""])
def test_a_running_installation_is_ready_on_any_host(installation: Installation, host: str) -> None:
    base = f"http://127.0.0.1:{installation.port}"
    alive, ready = (
        request("GET", f"{base}{path}", headers={"Host": host}) for path in ("/healthz", "/readyz")
    )

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()["status"]) == (200, "ok"), ready.text
    assert ready.json()["checks"] == {name: {"status": "ok"} for name in NAMES}
    assert ready.headers["cache-control"] == "no-store"


def test_a_load_balancer_may_speak_http_1_0_without_a_host(installation: Installation) -> None:
    with socket.create_connection(("127.0.0.1", installation.port), timeout=60) as connection:
        connection.sendall(b"GET /readyz HTTP/1.0\r\n\r\n")
        answer = connection.recv(65536)

    assert answer.split(b" ", 2)[1] == b"200"
