"""A fake of what Cloudflare's API says about tokens, accounts and resources."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.targets.fake_transport import answering_as

ACCOUNT = "b" * 32
TOKEN = "token-of-the-fake"


class FakeCloudflare:
    """Knows one token of one account, and its KV namespaces."""

    def __init__(self) -> None:
        self.namespaces: list[dict[str, str]] = []
        self.is_down = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.is_down:
            return _answer(500, None)
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            return _answer(401, None)
        if request.method == "GET" and request.url.params.get("page", "1") != "1":
            return _answer(200, [])  # everything is on the first page
        path = request.url.path.partition("/client/v4")[2]
        if path == "/user/tokens/verify":
            return _answer(200, {"id": "t", "status": "active"})
        if path == "/accounts":
            return _answer(200, [{"id": ACCOUNT, "name": "Shop"}])
        if path.endswith("/storage/kv/namespaces"):
            return self._namespaces(request)
        return _answer(200, [])

    def _namespaces(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            title = json.loads(request.content)["title"]
            self.namespaces.append({"id": f"{len(self.namespaces):032x}", "title": title})
            return _answer(200, self.namespaces[-1])
        return _answer(200, self.namespaces)


def _answer(status: int, result: object) -> httpx.Response:
    errors = [] if status < 400 else [{"code": 10000, "message": "made to fail"}]
    body = {"success": not errors, "errors": errors, "result": result}
    return httpx.Response(status, json=body)


@pytest.fixture
def fake_cloudflare(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloudflare]:
    """Let every target answer in this process."""
    fake = FakeCloudflare()
    with answering_as(fake, monkeypatch):
        yield fake
