"""Control of a platform in tests: failing calls, more tokens, and actions of the dashboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from tests.support.plain_http import request
from tests.support.platform_fixture import Platform

Kind = Literal["user", "account"]
Status = Literal["active", "disabled", "expired"]
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A call that fails: with this response, with none until the faults change (`hang`), or only late (no `status`)."""

    path: str
    method: str | None = None
    status: int | None = None
    code: int | None = None
    message: str | None = None
    headers: dict[str, str] | None = None
    times: int | None = None
    delay_milliseconds: int | None = None
    after: bool = False
    hang: bool = False

    def as_json(self) -> dict[str, Any]:
        names = {name: name for name in self.__slots__}
        names["delay_milliseconds"] = "delayMilliseconds"
        values = {names[name]: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token besides the account's own.

    `permissions` are names of Cloudflare's permission groups. `zones` are ids; None allows all zones.
    """

    token: str
    permissions: tuple[str, ...] = ()
    kind: Kind = "user"
    status: Status = "active"
    id: str | None = None
    zones: tuple[str, ...] | None = None

    def as_json(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call to the API; its path lacks /client/v4."""

    method: str
    path: str
    query: str
    user_agent: str

    @property
    def is_write(self) -> bool:
        return self.method in WRITES


@dataclass(frozen=True, slots=True)
class Control:
    """The test control of a platform; the token is the account's own."""

    platform_url: str
    token: str = field(repr=False)

    def faults(self, *faults: Fault) -> None:
        """Make these calls fail, and no others."""
        self._call("PUT", "faults", [fault.as_json() for fault in faults])

    def fired(self) -> list[int]:
        """Return how often each fault occurred, in the order in which they were set."""
        return [int(fault["fired"]) for fault in self._call("GET", "faults")]

    def tokens(self, *tokens: Token) -> None:
        """Accept these tokens besides the account's own, and no others."""
        self._call("PUT", "tokens", [token.as_json() for token in tokens])

    def calls(self) -> list[Call]:
        """Return all calls to the API since the last `forget_calls`."""
        return [Call(**call) for call in self._call("GET", "calls")]

    def writes(self) -> list[Call]:
        return [call for call in self.calls() if call.is_write]

    def forget_calls(self) -> None:
        self._call("DELETE", "calls")

    def subdomain(self, name: str) -> None:
        """Give the account this workers.dev subdomain; an empty name removes it."""
        self._call("PUT", "subdomain", {"subdomain": name})

    def dashboard_edit(self, worker: str) -> str:
        """Deploy the Worker as the dashboard does; return the new live version."""
        return str(self._call("POST", "dashboard-edit", {"worker": worker})["version_id"])

    def versions(self, worker: str, count: int) -> list[str]:
        """Add versions without deploying them; return their ids, newest first."""
        return list(self._call("POST", "versions", {"worker": worker, "count": count}))

    def minute(self, time: str) -> None:
        """Fire the schedules of this minute, such as "2026-11-20T08:00:00Z", which the clock need not show."""
        self._call("POST", "minutes", {"time": time})

    def reset(self) -> None:
        self.faults()
        self.tokens()
        self.subdomain("local")
        self.forget_calls()

    def _call(self, method: str, path: str, body: object = None) -> Any:
        parts = urlsplit(self.platform_url)
        url = f"{parts.scheme}://{parts.netloc}/test-control/{path}"
        headers = {"authorization": f"Bearer {self.token}"}
        response = request(method, url, headers=headers, json=body)
        assert response.status_code == 200, response.text
        return response.json()["result"]


@contextmanager
def controlled(platform_url: str, token: str) -> Iterator[Control]:
    """Control a platform, and reset its faults, tokens and calls before and afterwards."""
    control = Control(platform_url, token)
    control.reset()
    try:
        yield control
    finally:
        control.reset()


@pytest.fixture
def control(platform: Platform) -> Iterator[Control]:
    with controlled(platform.api_base_url, platform.token) as reset_control:
        yield reset_control
