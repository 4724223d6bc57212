"""The embedded platform's API for test runs, in its second account; see its README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cloudflare
import httpx

from targets.cloudflare.account import Account

_TYPES: Final = {
    ".js": "application/javascript+module",
    ".wasm": "application/wasm",
    ".bin": "application/octet-stream",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TestWorker:
    """A Worker to upload: its modules by name, the first of which is the main one.

    Of the settings of its Workflow only `step_limit` matters for a single run.
    """

    __test__ = False

    name: str
    class_name: str
    modules: Mapping[str, bytes]
    bindings: Sequence[Mapping[str, Any]]
    compatibility_date: str
    compatibility_flags: Sequence[str]
    step_limit: int | None = None


def upload(account: Account, worker: TestWorker) -> None:
    """Deploy the Worker, and its Workflow of the same name."""
    metadata = {
        "main_module": next(iter(worker.modules)),
        "compatibility_date": worker.compatibility_date,
        "compatibility_flags": list(worker.compatibility_flags),
        "bindings": list(worker.bindings),
    }
    limits = {} if worker.step_limit is None else {"limits": {"steps": worker.step_limit}}
    files = [
        ("metadata", ("metadata", json.dumps(metadata).encode(), "application/json")),
        *(
            (name, (name, content, _TYPES.get(Path(name).suffix, "text/plain")))
            for name, content in worker.modules.items()
        ),
    ]
    path = f"/accounts/{account.account_id}/workers/scripts/{worker.name}"
    headers = {"Content-Type": "multipart/form-data"}
    with account.explained("start the Worker of the test run"):
        account.client.put(
            path, cast_to=httpx.Response, body={}, files=files, options={"headers": headers}
        )
        account.client.workflows.update(
            worker.name,
            account_id=account.account_id,
            class_name=worker.class_name,
            script_name=worker.name,
            extra_body=limits,
        )


def start(
    account: Account, worker: str, *, instance_id: str, params: Any, plan: Mapping[str, Any]
) -> None:
    """Start a run of the Worker's Workflow with the plan of a test run."""
    # As JSON text: the platform would read a text as JSON, and refuse it or change it.
    body = {"instance_id": instance_id, "params": json.dumps(params), "plan": dict(plan)}
    with account.explained("start the test run"):
        account.client.post(_url(account, f"{worker}/runs"), cast_to=httpx.Response, body=body)


def remove(account: Account, worker: str) -> None:
    """Stop the Worker's run, and remove the Worker and everything that belongs to it."""
    with account.explained("remove the test run"):
        account.client.delete(_url(account, worker), cast_to=httpx.Response)


def logs(account: Account, worker: str) -> list[dict[str, Any]]:
    """Return what the Worker has logged last: `timestamp` in milliseconds, `level` and `message`."""
    with account.explained("read the logs of the test run"):
        response = account.client.get(_url(account, f"{worker}/logs"), cast_to=httpx.Response)
    lines: list[dict[str, Any]] = response.json().get("result") or []
    return lines


def requests(account: Account, worker: str) -> list[dict[str, Any]]:
    """Return the requests that the run has made: `method`, `url`, `body` as text or None, `answered`.

    `answered` is the index of the answer in the plan, or None. A request that was really sent has the
    `response`: `status`, `type` and `body`.
    """
    with account.explained("read the requests of the test run"):
        response = account.client.get(_url(account, f"{worker}/requests"), cast_to=httpx.Response)
    made: list[dict[str, Any]] = response.json().get("result") or []
    return made


def step_output(account: Account, worker: str, instance_id: str, step: str) -> Any:
    """Return the whole output of a step, or the payload of the event that a wait received.

    `step` is the step's name with the platform's counter. Raises LookupError if it has no output.
    """
    path = f"/accounts/{account.account_id}/workflows/{worker}/instances/{instance_id}/step"
    with account.explained("read the output of the step"):
        try:
            response = account.client.get(
                path, cast_to=httpx.Response, options={"params": {"name": step}}
            )
        except cloudflare.NotFoundError:
            raise LookupError(step) from None
        if response.headers.get("content-type") == "application/octet-stream":
            raise LookupError(step)
        result = response.json().get("result") or {}
    if result.get("status") != "complete":
        raise LookupError(step)
    return result.get("output")


def _url(account: Account, path: str) -> str:
    return f"{account.api_base_url.removesuffix('/client/v4')}/workers/{path}"
