"""The account, its token, and the hosts to which the API responds."""

from __future__ import annotations

import cloudflare
import pytest

from tests.support.plain_http import request
from tests.support.platform_fixture import Platform, error_codes


def test_the_token_is_active_under_both_paths(platform: Platform) -> None:
    client = platform.client()

    user_token = client.user.tokens.verify()
    account_token = client.accounts.tokens.verify(account_id=platform.account_id)

    assert user_token is not None
    assert account_token is not None
    assert (user_token.status, account_token.status) == ("active", "active")


def test_a_wrong_token_is_refused_with_cloudflares_code(platform: Platform) -> None:
    with pytest.raises(cloudflare.PermissionDeniedError) as refused:
        platform.client("wrong").user.tokens.verify()

    assert error_codes(refused.value.response) == [9109]


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer two words"])
def test_a_malformed_authorization_is_a_bad_request(platform: Platform, header: str) -> None:
    response = request(
        "GET", f"{platform.api_base_url}/user/tokens/verify", headers={"authorization": header}
    )

    assert (response.status_code, error_codes(response)) == (400, [6003])


def test_the_account_is_listed_and_read(platform: Platform) -> None:
    client = platform.client()

    listed = [account.id for account in client.accounts.list()]
    read = client.accounts.get(account_id=platform.account_id)

    assert listed == [platform.account_id]
    assert read is not None
    assert read.id == platform.account_id


def test_another_account_is_refused(platform: Platform) -> None:
    with pytest.raises(cloudflare.NotFoundError) as refused:
        list(platform.client().workflows.list(account_id="0" * 32))

    assert error_codes(refused.value.response) == [7003]


def test_the_account_has_a_subdomain(platform: Platform) -> None:
    response = platform.client().workers.subdomains.get(account_id=platform.account_id)

    assert response is not None
    assert response.subdomain == "local"


def test_cloudflares_ip_addresses_require_no_token(platform: Platform) -> None:
    response = request("GET", f"{platform.api_base_url}/ips").json()

    assert response["success"] is True
    assert set(response["result"]) == {"ipv4_cidrs", "ipv6_cidrs", "etag"}


@pytest.mark.parametrize("host", ["attacker.example", "localhost.attacker.example", "10.0.0.1"])
def test_a_foreign_host_is_refused(platform: Platform, host: str) -> None:
    headers = {"host": host, "authorization": f"Bearer {platform.token}"}

    response = request("GET", f"{platform.api_base_url}/user/tokens/verify", headers=headers)

    assert response.status_code == 421
