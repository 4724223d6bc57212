"""The test control: failing calls, recorded calls, and actions of the dashboard."""

from __future__ import annotations

import time
from pathlib import Path

import cloudflare
import httpx
import pytest

from tests.local_cloudflare.support.control import Control, Fault
from tests.local_cloudflare.support.workers import HELLO, deploy_worker, live_version, wait_for
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform, start_platform

BUSY = Fault(
    path="/workers/subdomain$",
    status=429,
    code=10429,
    message="slow down",
    headers={"retry-after": "10"},
    times=1,
)


def test_a_call_fails_as_often_as_requested(platform: Platform, control: Control) -> None:
    control.faults(BUSY)

    with pytest.raises(cloudflare.RateLimitError) as refused:
        platform.client().workers.subdomains.get(account_id=platform.account_id)
    response = platform.api("GET", "workers/subdomain")

    assert refused.value.response.headers["retry-after"] == "10"
    assert refused.value.response.json()["errors"] == [{"code": 10429, "message": "slow down"}]
    assert (response.status_code, control.fired()) == (200, [1])


def test_a_call_is_executed_and_reported_as_failed(platform: Platform, control: Control) -> None:
    deploy_worker(platform, "half-done", HELLO)
    control.faults(
        Fault(method="DELETE", path="/workers/scripts/half-done$", status=502, after=True)
    )

    response = platform.api("DELETE", "workers/scripts/half-done")

    assert (response.status_code, response.json()["success"]) == (502, False)
    assert platform.api("GET", "workers/services/half-done").status_code == 404


def test_a_call_that_fails_first_is_not_executed(platform: Platform, control: Control) -> None:
    deploy_worker(platform, "spared", HELLO)
    control.faults(Fault(method="DELETE", path="/workers/scripts/spared$", status=500))

    assert platform.api("DELETE", "workers/scripts/spared").status_code == 500
    assert platform.fetch("spared").text == "hello"


def test_a_call_hangs_until_the_client_disconnects(platform: Platform, control: Control) -> None:
    control.faults(Fault(path="/tokens/verify$", hang=True))
    headers = {"authorization": f"Bearer {platform.token}"}

    timeout = httpx.Timeout(60, read=0.3)

    with pytest.raises(httpx.ReadTimeout):
        request(
            "GET", f"{platform.api_base_url}/user/tokens/verify", headers=headers, timeout=timeout
        )

    wait_for(control.fired, [1])


def test_a_call_is_answered_late(platform: Platform, control: Control) -> None:
    control.faults(Fault(path="/workers/subdomain$", delay_milliseconds=200))

    start = time.monotonic()
    response = platform.api("GET", "workers/subdomain")

    assert response.status_code == 200
    assert time.monotonic() - start >= 0.2


def test_calls_are_recorded_without_their_bodies(platform: Platform, control: Control) -> None:
    platform.client().workers.subdomains.get(account_id=platform.account_id)
    platform.api("PUT", "workers/subdomain", json={"subdomain": "local"}, params={"a": "b"})

    read, written = control.calls()

    path = f"/accounts/{platform.account_id}/workers/subdomain"
    assert (read.method, read.path, read.query) == ("GET", path, "")
    assert read.user_agent.startswith("Cloudflare/Python")
    assert (written.method, written.query) == ("PUT", "a=b")
    assert control.writes() == [written]


def test_an_invalid_pattern_is_refused(control: Control) -> None:
    with pytest.raises(AssertionError, match="not a valid regular expression"):
        control.faults(Fault(path="("))


def test_the_subdomain_is_removed_and_registered(platform: Platform, control: Control) -> None:
    subdomains = platform.client().workers.subdomains
    control.subdomain("")

    with pytest.raises(cloudflare.NotFoundError) as missing:
        subdomains.get(account_id=platform.account_id)
    registered = subdomains.update(account_id=platform.account_id, subdomain="registered")

    assert missing.value.response.json()["errors"][0]["code"] == 10007
    assert registered is not None
    assert registered.subdomain == "registered"


def test_the_dashboard_deploys_a_version(platform: Platform, control: Control) -> None:
    deploy_worker(platform, "edited", HELLO)

    version = control.dashboard_edit("edited")

    service = platform.api("GET", "workers/services/edited").json()["result"]
    assert service["default_environment"]["script"]["last_deployed_from"] == "dash"
    assert live_version(platform, "edited") == version
    path = f"workers/scripts/edited/versions/{version}"
    assert platform.api("GET", path).json()["result"]["metadata"]["source"] == "dash"


def test_many_versions_are_added_in_one_call(platform: Platform, control: Control) -> None:
    deploy_worker(platform, "busy", HELLO)
    live = live_version(platform, "busy")

    added = control.versions("busy", 100)

    path = "workers/scripts/busy/versions?deployable=true"
    listed = platform.api("GET", path).json()["result"]["items"]
    assert [version["id"] for version in listed] == added
    assert live_version(platform, "busy") == live


def test_the_control_requires_the_accounts_own_token(platform: Platform) -> None:
    url = f"http://127.0.0.1:{platform.port}/test-control/faults"

    response = request("PUT", url, headers={"authorization": "Bearer other"}, json=[])

    assert response.status_code == 403


@pytest.mark.long
def test_the_control_is_off_by_default(tmp_path: Path) -> None:
    started = start_platform(tmp_path, environment={"LOCAL_CLOUDFLARE_TEST_CONTROL": ""})
    url = f"http://127.0.0.1:{started.port}/test-control/calls"
    try:
        response = request("GET", url, headers={"authorization": f"Bearer {started.token}"})
    finally:
        started.running.stop()

    assert response.status_code == 404
