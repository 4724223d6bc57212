"""What a token may do, according to Cloudflare's permission groups."""

from __future__ import annotations

import cloudflare
import httpx
import pytest

from tests.local_cloudflare.support.control import Control, Kind, Status, Token
from tests.support import plain_http
from tests.support.platform_fixture import Platform, error_codes

OTHER = "another-token"
GROUP_OF = {
    "workers/scripts": "Workers Scripts",
    "workflows": "Workers Scripts",
    "storage/kv/namespaces": "Workers KV Storage",
    "d1/database": "D1",
    "r2/buckets": "Workers R2 Storage",
    "queues": "Queues",
}


def request(platform: Platform, method: str, path: str) -> httpx.Response:
    url = f"{platform.api_base_url}/{path.format(account=platform.account_id)}"
    return plain_http.request(method, url, headers={"authorization": f"Bearer {OTHER}"}, json={})


@pytest.mark.parametrize(("path", "group"), list(GROUP_OF.items()))
def test_a_call_requires_its_permission_group(
    platform: Platform, control: Control, path: str, group: str
) -> None:
    control.tokens(Token(token=OTHER))
    refused = request(platform, "GET", f"accounts/{{account}}/{path}")
    control.tokens(Token(token=OTHER, permissions=(f"{group} Read",)))
    read = request(platform, "GET", f"accounts/{{account}}/{path}")
    written = request(platform, "POST", f"accounts/{{account}}/{path}")
    control.tokens(Token(token=OTHER, permissions=(f"{group} Write",)))
    read_by_writer = request(platform, "GET", f"accounts/{{account}}/{path}")

    assert (refused.status_code, error_codes(refused)) == (403, [10000])
    assert (written.status_code, error_codes(written)) == (403, [10000])
    assert (read.status_code, read_by_writer.status_code) == (200, 200)


def test_the_sdk_raises_its_permission_error(platform: Platform, control: Control) -> None:
    control.tokens(Token(token=OTHER, permissions=("Workers Scripts Read",)))

    with pytest.raises(cloudflare.PermissionDeniedError):
        platform.client(OTHER).queues.create(account_id=platform.account_id, queue_name="forbidden")


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("user", "user/tokens/verify", "accounts/{account}/tokens/verify"),
        ("account", "accounts/{account}/tokens/verify", "user/tokens/verify"),
    ],
)
def test_a_token_is_verified_only_at_the_endpoint_of_its_kind(
    platform: Platform, control: Control, kind: Kind, good: str, bad: str
) -> None:
    control.tokens(Token(token=OTHER, kind=kind, id="a" * 32))

    verified, refused = request(platform, "GET", good), request(platform, "GET", bad)

    assert verified.json()["result"] == {"id": "a" * 32, "status": "active"}
    assert (refused.status_code, error_codes(refused)) == (401, [1000])


@pytest.mark.parametrize("status", ["disabled", "expired"])
def test_an_inactive_token_reports_its_status_and_is_refused(
    platform: Platform, control: Control, status: Status
) -> None:
    control.tokens(Token(token=OTHER, permissions=("Workers Scripts Write",), status=status))

    verified = platform.client(OTHER).user.tokens.verify()
    refused = request(platform, "GET", "accounts/{account}/workers/scripts")

    assert verified is not None
    assert verified.status == status
    assert (refused.status_code, error_codes(refused)) == (403, [9109])


def test_the_account_is_listed_for_tokens_that_may_read_it(
    platform: Platform, control: Control
) -> None:
    control.tokens(Token(token=OTHER))
    hidden = list(platform.client(OTHER).accounts.list())
    control.tokens(Token(token=OTHER, permissions=("Account Settings Read",)))
    listed = [account.id for account in platform.client(OTHER).accounts.list()]

    assert (hidden, listed) == ([], [platform.account_id])
