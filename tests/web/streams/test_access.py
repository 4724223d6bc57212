"""Streams that end with the session, and refusals in the audit trail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from pytest_django import Settings

from api.routes.deploy_stream import _stages
from audit.models import Entry
from deployments.stream import sse_stream
from deployments.stream.asgi_routes import event_routes
from runs.stream import run_events
from runs.stream.asgi_routes import run_event_routes
from tests.deployments.factories import make_deployment
from tests.support.sessions import session_cookie
from tests.web.gateway.requests import http_scope, respond
from web.asgi import Application
from web.streams import access, listener
from web.streams.access import StreamAccess

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("no_workers")]

ACCESS = StreamAccess(
    address="/events/",
    permission="app.view",
    may_read=lambda user: user.is_active and user.is_staff,
)


@pytest.fixture(autouse=True)
def unshared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each check read the session."""
    monkeypatch.setattr(access, "SHARED_SECONDS", 0)


def may_stay(cookie: bytes) -> bool:
    return asyncio.run(ACCESS.may_stay(http_scope(cookie=cookie.decode())))


def change_password(user: User) -> None:
    user.set_password("another")
    user.save()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def remove_from_staff(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def log_out(_user: User) -> None:
    Session.objects.all().delete()


@pytest.mark.parametrize("end", [log_out, change_password, deactivate, remove_from_staff])
def test_no_stream_stays_open_after_the_session_or_the_permission_has_ended(end: Any) -> None:
    ada = User.objects.create_superuser("ada")
    cookie = session_cookie(ada)
    assert may_stay(cookie)

    end(ada)

    assert not may_stay(cookie)


def test_rights_are_checked_more_than_once_a_minute() -> None:
    assert listener.RIGHTS_CHECK_SECONDS + access.SHARED_SECONDS < 60


def test_the_streams_of_a_session_share_a_check_for_a_few_seconds(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(access, "SHARED_SECONDS", 60)
    cookie = session_cookie(User.objects.create_superuser("ada"))
    assert may_stay(cookie)

    with django_assert_num_queries(0):
        assert may_stay(cookie)
    assert not may_stay(b"awaitstep_session=another")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check permissions continuously."""
    monkeypatch.setattr(listener, "KEEP_ALIVE_SECONDS", 0.05)
    monkeypatch.setattr(sse_stream, "RIGHTS_CHECK_SECONDS", 0)
    monkeypatch.setattr(run_events, "RIGHTS_CHECK_SECONDS", 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("routes", "address"),
    [(event_routes, "/events/"), (run_event_routes, "/runs/events/")],
)
def test_an_open_stream_ends_after_a_logout(routes: Application, address: str) -> None:
    cookie = session_cookie(User.objects.create_superuser("ada"))
    scope = http_scope(address, cookie=cookie.decode()) | {"root_path": ""}

    async def scenario() -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []
        is_open = asyncio.Event()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if message.get("body"):
                is_open.set()

        stream = asyncio.ensure_future(routes(scope, asyncio.Event().wait, send))  # type: ignore[arg-type]
        async with asyncio.timeout(20):
            await is_open.wait()
            await Session.objects.all().adelete()
            await stream
        return sent

    first, *_, last = asyncio.run(scenario())

    assert first["status"] == 200
    assert not last.get("more_body")


@pytest.mark.parametrize(
    ("routes", "address"),
    [(event_routes, "/events/"), (run_event_routes, "/runs/events/")],
)
def test_a_user_with_too_many_streams_is_asked_to_wait(
    routes: Application, address: str, settings: Settings
) -> None:
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"streams_per_user": 0})
    cookie = session_cookie(User.objects.create_superuser("ada"))
    scope = http_scope(address, cookie=cookie.decode()) | {"root_path": ""}

    status, headers = respond(routes, scope)

    assert (status, headers["retry-after"]) == (429, "30")


@pytest.mark.usefixtures("impatient")
def test_the_stream_of_a_deploy_ends_after_a_logout() -> None:
    cookie = session_cookie(User.objects.create_superuser("ada"))
    Session.objects.all().delete()

    async def read(frames: AsyncGenerator[bytes]) -> bytes:
        async with asyncio.timeout(20):
            return b"".join([frame async for frame in frames])

    frames = asyncio.run(
        read(_stages(make_deployment(), authorization="", cookies=cookie.decode()))
    )

    assert b"event: result" not in frames


def test_refused_streams_are_in_the_audit_trail_once() -> None:
    cookie = session_cookie(User.objects.create_user("bob"))
    scopes = [http_scope(f"/deployments/{pk}/events/", cookie=cookie.decode()) for pk in range(3)]

    allowed = [asyncio.run(ACCESS.opened_by(scope)) for scope in [*scopes, http_scope()]]

    assert allowed == [None] * 4
    entries = Entry.objects.filter(action="access denied")
    assert sorted(entries.values_list("actor_name", "subject_name", "reason", "count")) == [
        ("anonymous", "/events/", "app.view", 1),
        ("bob", "/events/", "app.view", 3),
    ]


def test_a_made_up_session_has_no_user() -> None:
    assert session_cookie(AnonymousUser()) == b""
    assert not may_stay(b"awaitstep_session=made-up; other=1")
