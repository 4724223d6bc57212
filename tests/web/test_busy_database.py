"""Requests while another process holds the database's write lock for longer than they wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import psycopg
import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject
from psycopg.errors import LockNotAvailable, UndefinedTable

from tests.deployments.factories import make_deployment
from tests.support.page_text import text
from web.busy_database import BusyDatabaseMiddleware
from workflows.models import EnvironmentVariable

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def locked(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client while the database is locked; requests only wait for a short time."""
    make_deployment()
    lock = _locked_sqlite if connection.vendor == "sqlite" else _locked_postgresql
    with lock(monkeypatch):
        yield admin_client
    connection.close()


@contextmanager
def _locked_sqlite(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.05)
    connection.close()
    writer = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    yield
    writer.execute("ROLLBACK")
    writer.close()


@contextmanager
def _locked_postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lock all tables so that they can be read, but not written."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c lock_timeout=50ms")
    tables = ", ".join(f'"{table}"' for table in connection.introspection.table_names())
    parameters = connection.get_connection_params()
    connection.close()
    with psycopg.connect(
        **{name: parameters[name] for name in ("dbname", "user", "host")}
    ) as writer:
        writer.execute(f"LOCK TABLE {tables} IN EXCLUSIVE MODE".encode())
        yield
        writer.rollback()


@pytest.mark.parametrize("url", ["/", "/runs/", "/runs/overview/", "/admin/workflows/workflow/"])
def test_pages_are_shown(locked: Client, url: str) -> None:
    assert locked.get(url).status_code == 200


def test_a_refused_change_says_what_to_do(locked: Client) -> None:
    variable = {"name": "KEY", "value": "x"}
    answer = locked.post("/admin/workflows/environmentvariable/add/", variable)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "Nothing was changed. Go back and try again in a moment." in text(answer)
    assert not EnvironmentVariable.objects.filter(name="KEY").exists()


def test_the_api_refuses_in_json(rf: RequestFactory) -> None:
    middleware = BusyDatabaseMiddleware(lambda _: HttpResponse())
    request = rf.post("/api/events/order")

    locked = OperationalError("database is locked")
    locked.__cause__ = LockNotAvailable()
    answer = middleware.process_exception(request, locked)

    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"The database is busy. Nothing was changed." in answer.content
    missing = OperationalError("no such table")
    missing.__cause__ = UndefinedTable()
    assert middleware.process_exception(request, missing) is None


def test_the_page_needs_no_database(rf: RequestFactory) -> None:
    def fail() -> NoReturn:
        raise AssertionError("the session was read")

    locked = OperationalError("database is locked")
    locked.__cause__ = LockNotAvailable()
    request = rf.get("/")
    request.user = SimpleLazyObject(fail)  # type: ignore[assignment]

    middleware = BusyDatabaseMiddleware(lambda _: HttpResponse())
    answer = middleware.process_exception(request, locked)

    assert answer is not None
    assert answer.status_code == 503
