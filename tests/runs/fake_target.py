"""A target that answers in this process: what was asked is kept, answers can be told beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from targets import lookup
from targets.cloudflare import account, time_limits
from targets.cloudflare.retries import RetryingClient


@dataclass
class FakeTarget:
    """Answers each call with success, but for those of `refuses`: by method, one answer a call."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    refuses: dict[str, list[httpx.Response]] = field(default_factory=dict)
    there: set[str] = field(default_factory=set)
    steps: list[Any] = field(default_factory=list)
    params: Any = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.raw_path.decode()))
        self.bodies.append(json.loads(request.content or b"null"))
        if waiting := self.refuses.get(request.method):
            return waiting.pop(0)
        if request.method == "GET":
            began = "2026-01-01T12:00:00Z"
            told = {"status": "waiting", "queued": began, "params": self.params}
            return _told(told | {"steps": self.steps})
        if request.url.path.endswith("/batch"):
            return self._batch(self.bodies[-1])
        body = self.bodies[-1]
        wanted = body.get("instance_id", "") if isinstance(body, dict) else ""
        return _told({"id": wanted, "status": "queued", "version_id": "v-one"})

    def _batch(self, wanted: list[dict[str, str]]) -> httpx.Response:
        ids = [one["instance_id"] for one in wanted if one["instance_id"] not in self.there]
        self.there |= set(ids)
        more = {"status": "queued", "version_id": "v-one", "workflow_id": "w"}
        return _told([{"id": id_, **more} for id_ in ids])

    def of(self, method: str) -> list[str]:
        """Return the paths that were asked by this method."""
        return [path for asked, path in self.asked if asked == method]


def _told(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "errors": [], "result": result})


def refusal(status: int, **headers: str) -> httpx.Response:
    errors = [{"code": 10013, "message": "made to fail"}]
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"success": False, "errors": errors}, headers=given)


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTarget]:
    """Every target answers in this process."""
    fake = FakeTarget()
    client = RetryingClient(transport=httpx.MockTransport(fake))
    monkeypatch.setattr(account, "shared_client", lambda: client)
    _forget_accounts()
    yield fake
    _forget_accounts()
    client.close()


def _forget_accounts() -> None:
    """Accounts are kept with their clients."""
    lookup._account.cache_clear()
    time_limits.with_timeout.cache_clear()
