"""Servers that end, and what pages say in the meantime."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from django.conf import settings
from django.test import Client

from deployments.installation.restart_limit import RestartLimit
from deployments.installation.supervisor import CannotStart, Server
from tests.support.environment import free_port
from tests.support.page_text import text
from toolchain import platform_outage
from toolchain.platform_outage import Outage

# A server that accepts connections, and one that exits immediately.
LISTENS = "import socket, sys; s = socket.create_server(('127.0.0.1', {port})); [s.accept() for _ in iter(int, 1)]"
EXITS = "raise SystemExit(3)"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def make_server() -> Iterator[Callable[..., Server]]:
    made: list[Server] = []

    def make(code: str, *, port: int) -> Server:
        made.append(Server("The server", ["-c", code.format(port=port)], port=port))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def keep_running(server: Server, *, until: Callable[[], bool]) -> list[str]:
    said: list[str] = []
    while not until():
        server.keep_running(said.append)
    return said


def listener(port: int) -> psutil.Process:
    """Return the process that this one started and that listens on the port."""
    children = psutil.Process().children(recursive=True)
    return next(
        child
        for child in children
        if any(connection.laddr.port == port for connection in child.net_connections("tcp"))
    )


def test_a_killed_server_is_restarted(make_server: Callable[..., Server]) -> None:
    server = make_server(LISTENS, port=(port := free_port()))
    server.start()
    server.wait_until_ready()

    listener(port).kill()
    said = keep_running(server, until=lambda: server.outage is not None)
    said += keep_running(server, until=lambda: server.outage is None)

    assert said == [
        "The server has exited (exit code -9) and is being restarted.",
        "The server is running again.",
    ]
    with socket.create_connection(("127.0.0.1", port)):
        assert listener(port).is_running()


def test_a_server_that_keeps_exiting_is_not_restarted_forever(
    make_server: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RestartLimit, "next_pause", iter([0.0, 0.0, None]).__next__)
    server = make_server(EXITS, port=free_port())
    server.start()

    said = keep_running(server, until=lambda: bool(server.outage and server.outage.is_final))

    assert said[-1] == "The server has exited too often (exit code 3) and will not be restarted."
    assert len(said) == 3


def test_a_server_that_exits_on_its_first_start_is_an_error(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(EXITS, port=free_port())
    server.start()

    with pytest.raises(CannotStart, match=re.escape("has exited (exit code 3)")):
        server.wait_until_ready()


@pytest.fixture
def outage(request: pytest.FixtureRequest) -> Iterator[None]:
    platform_outage.report(settings.AWAITSTEP.data_dir, Outage(since=NOON, is_final=request.param))
    yield
    platform_outage.clear(settings.AWAITSTEP.data_dir)


PAGES = ["/", "/runs/", "/admin/", "/runs/waiting/"]


@pytest.mark.parametrize(
    ("outage", "advice"),
    [(False, "and is being restarted."), (True, "Restart AwaitStep")],
    indirect=["outage"],
)
@pytest.mark.usefixtures("outage")
def test_pages_say_that_the_platform_is_not_running(admin_client: Client, advice: str) -> None:
    for page in PAGES:
        shown = text(admin_client.get(page))
        assert "The embedded platform is not running. It stopped at 2026-01-01 12:00:00" in shown
        assert advice in shown


@pytest.mark.parametrize("outage", [False], indirect=True)
@pytest.mark.usefixtures("outage")
def test_open_pages_notice_the_end_of_an_outage(admin_client: Client) -> None:
    shown = admin_client.get("/runs/").content.decode()
    assert 'hx-get="/runs/" hx-trigger="every 5s"' in shown

    platform_outage.clear(settings.AWAITSTEP.data_dir)

    part = admin_client.get("/runs/", headers={"HX-Request": "true"}).content.decode()
    assert 'id="platform-outage"' in part
    assert "is not running" not in part


@pytest.mark.parametrize("outage", [False], indirect=True)
@pytest.mark.usefixtures("outage")
def test_anonymous_visitors_do_not_see_an_outage(client: Client, db: None) -> None:
    assert "not running" not in text(client.get("/admin/login/"))


def test_an_outage_is_stored_for_other_processes(tmp_path: Path) -> None:
    assert platform_outage.current(tmp_path) is None
    outage = Outage(since=NOON, is_final=True)

    platform_outage.report(tmp_path, outage)
    assert platform_outage.current(tmp_path) == outage

    platform_outage.clear(tmp_path)
    assert platform_outage.current(tmp_path) is None
