"""A fake target with any number of runs, which records its calls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

import httpx
from cloudflare import Cloudflare

from targets.cloudflare.account import Account
from targets.models import Target
from tests.runs.examples import START

WORKFLOW = "awaitstep-of-a-fake"


@dataclass(frozen=True, kw_only=True)
class _FakeAccount(Account):
    answer: Any

    @cached_property
    def client(self) -> Cloudflare:
        http_client = httpx.Client(transport=httpx.MockTransport(self.answer))
        return Cloudflare(api_token="t", http_client=http_client, max_retries=0)


class FakeTarget:
    """`runs` are rows of the list, `details` single runs; `fails` maps parts of URLs to statuses."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.details: dict[str, dict[str, Any]] = {}
        self.calls: list[str] = []
        self.fails: dict[str, int] = {}
        self.has_workflow = True

    def account(self, target: Target) -> Account:
        return _FakeAccount(
            account_id=target.account_id, api_base_url="", api_token="t", answer=self._answer
        )

    def add(self, number: int, status: str = "complete", **fields: Any) -> str:
        """Add a run that was created `number` seconds after START."""
        id_ = f"run-{number}"
        created = (START + timedelta(seconds=number)).isoformat()
        ended = created if status == "complete" else None
        times = {"created_on": created, "started_on": created, "ended_on": ended}
        source = {"trigger_source": "api", "version_id": "v"}
        self.runs[id_] = {"id": id_, "status": status, **times, **source}
        self.details[id_] = {
            "status": status,
            "start": created,
            "end": ended,
            "steps": [],
            **fields,
        }
        return id_

    def change(self, id_: str, status: str, **fields: Any) -> None:
        self.runs[id_] |= {"status": status}
        self.details[id_] |= {"status": status, **fields}

    def delete(self, id_: str) -> None:
        del self.runs[id_], self.details[id_]

    def calls_of(self, end: str) -> int:
        return sum(call.partition("?")[0].endswith(end) for call in self.calls)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path, request.url.params
        self.calls.append(str(request.url))
        fails = [status for part, status in self.fails.items() if part in str(request.url)]
        if fails:
            return httpx.Response(fails[0], json=_refusal(fails[0]))
        name = path.rpartition("/instances")[2].removeprefix("/")
        if name:
            return _of(self.details.get(name))
        return self._list(query) if self.has_workflow else _of(None)

    def _list(self, query: httpx.QueryParams) -> httpx.Response:
        status = query.get("status")
        rows = [row for row in self.runs.values() if status in (None, row["status"])]
        end = query.get("date_end")
        rows = [row for row in rows if end is None or row["created_on"] <= end]
        rows.sort(key=lambda row: row["created_on"], reverse=True)
        start = int(query.get("cursor", 0))
        end = start + int(query["per_page"])
        info = {"cursor": str(end)} if end < len(rows) else {}
        return httpx.Response(200, json={"result": rows[start:end], "result_info": info})


def _of(result: Any) -> httpx.Response:
    if result is None:
        return httpx.Response(404, json=_refusal(10200))
    return httpx.Response(200, content=json.dumps({"result": result}))


def _refusal(code: int) -> dict[str, Any]:
    return {"success": False, "errors": [{"code": code, "message": "it fails"}]}
