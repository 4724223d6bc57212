"""The platform's account for test runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.local_cloudflare.support.workers import upload, workflow_binding
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform


class TestRunPlatform(Platform):
    """The same platform, but its API is that of the account for test runs."""

    __test__ = False

    @property
    def api_base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/test-runs/client/v4"

    def own_api(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the part of the API that Cloudflare does not have."""
        url = f"http://127.0.0.1:{self.port}/test-runs/workers/{path}"
        headers = {"authorization": f"Bearer {self.token}"}
        return request(method, url, headers=headers, **more)


def account_for_test_runs(platform: Platform) -> TestRunPlatform:
    return TestRunPlatform(running=platform.running, data_dir=platform.data_dir)


def deploy_draft(account: TestRunPlatform, name: str, code: str, *bindings: Any) -> None:
    """Deploy a Worker with a Workflow of the same name."""
    response = upload(account, name, code, workflow_binding(name), *bindings)
    assert response.status_code == 200, response.text
    account.client().workflows.update(
        name, account_id=account.account_id, class_name="Flow", script_name=name
    )


def start_test_run(
    account: TestRunPlatform,
    name: str,
    *,
    speed: float | None = None,
    until: str | None = None,
    pins: Mapping[str, object] | None = None,
    params: object = None,
    requests: list[dict[str, object]] | None = None,
) -> str:
    """Start a run that skips everything that takes time, unless it has a speed; return its id."""
    plan = {"speed": speed, "until": until, "pins": pins or {}, "requests": requests}
    body = {"instance_id": "run", "params": params, "plan": plan}
    response = account.own_api("POST", f"{name}/runs", json=body)
    assert response.status_code == 200, response.text
    return "run"
