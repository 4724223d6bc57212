"""A fake of Cloudflare's API that answers in this process and records its requests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.targets.fake_transport import answering_as


@dataclass
class FakeApi:
    """Answers each request with success, except those in `refusals`: by method, one per request."""

    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    contents: list[bytes] = field(default_factory=list)
    refusals: dict[str, list[httpx.Response]] = field(default_factory=dict)
    existing_ids: set[str] = field(default_factory=set)
    steps: list[Any] = field(default_factory=list)
    params: Any = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append((request.method, request.url.raw_path.decode()))
        self.contents.append(request.content)
        self.bodies.append(json.loads(request.content or b"null"))
        if refusals := self.refusals.get(request.method):
            return refusals.pop(0)
        if request.method == "GET":
            queued = "2026-01-01T12:00:00Z"
            run = {"status": "waiting", "queued": queued, "params": self.params}
            return _response(run | {"steps": self.steps})
        if request.url.path.endswith("/batch"):
            return self._batch(self.bodies[-1])
        body = self.bodies[-1]
        instance_id = body.get("instance_id", "") if isinstance(body, dict) else ""
        return _response({"id": instance_id, "status": "queued", "version_id": "v-one"})

    def _batch(self, runs: list[dict[str, str]]) -> httpx.Response:
        ids = [run["instance_id"] for run in runs]
        ids = [id_ for id_ in ids if id_ not in self.existing_ids]
        self.existing_ids |= set(ids)
        more = {"status": "queued", "version_id": "v-one", "workflow_id": "w"}
        return _response([{"id": id_, **more} for id_ in ids])

    def paths(self, method: str) -> list[str]:
        """Return the paths of the requests with this method."""
        return [path for used, path in self.requests if used == method]


def _response(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "errors": [], "result": result})


def refusal(status: int, **headers: str) -> httpx.Response:
    errors = [{"code": 10013, "message": "made to fail"}]
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"success": False, "errors": errors}, headers=sent)


@pytest.fixture
def fake_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    """Let every target answer in this process."""
    fake = FakeApi()
    with answering_as(fake, monkeypatch):
        yield fake
