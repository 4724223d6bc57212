"""What the platform does not support is rejected, and never looks like a missing object."""

from __future__ import annotations

import cloudflare
import pytest

from tests.local_cloudflare.support.projects import Project
from tests.support.plain_http import request
from tests.support.platform_fixture import Platform, error_codes

UNSUPPORTED_CALL = 99501
ACCOUNT_CALLS = [
    ("GET", "hyperdrive/configs"),
    ("POST", "workers/dispatch/namespaces"),
    ("PUT", "r2/buckets/a/cors"),
    ("PATCH", "workers/observability/telemetry"),
    ("DELETE", "vectorize/v2/indexes/a"),
    ("DELETE", "pages/projects/a"),
    ("POST", "ai/run/@cf/meta/llama"),
]
OTHER_CALLS = [
    ("GET", "/radar/http/summary"),
    ("POST", "/graphql"),
    ("DELETE", "/zones/0000/purge_cache"),
    ("GET", "/user/billing/history"),
]
WRONG_METHODS = [("DELETE", "workers/scripts"), ("PUT", "d1/database"), ("PATCH", "workflows")]


@pytest.mark.parametrize(("method", "path"), [*ACCOUNT_CALLS, *WRONG_METHODS])
def test_an_unsupported_call_is_refused_by_name(platform: Platform, method: str, path: str) -> None:
    response = platform.api(method, path)

    assert (response.status_code, error_codes(response)) == (501, [UNSUPPORTED_CALL])
    message = response.json()["errors"][0]["message"]
    assert f"does not support the call {method} /client/v4" in message
    assert path in message


@pytest.mark.parametrize(("method", "path"), OTHER_CALLS)
def test_a_call_outside_of_the_account_is_refused_by_name(
    platform: Platform, method: str, path: str
) -> None:
    headers = {"authorization": f"Bearer {platform.token}"}

    response = request(method, f"{platform.api_base_url}{path}", headers=headers)

    assert (response.status_code, error_codes(response)) == (501, [UNSUPPORTED_CALL])


def test_the_sdk_reports_a_refusal_immediately(platform: Platform) -> None:
    client = platform.client().with_options(max_retries=2)

    with pytest.raises(cloudflare.InternalServerError, match="does not support the call") as error:
        client.hyperdrive.configs.delete("a", account_id=platform.account_id)

    assert error.value.response.headers["x-should-retry"] == "false"


def test_wrangler_reports_a_refusal(project: Project) -> None:
    result = project.wrangler("vectorize", "delete", "a", "--force")

    assert result.exit_code == 1
    assert f"[code: {UNSUPPORTED_CALL}]" in result.stdout + result.stderr
