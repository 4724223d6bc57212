"""Who may ask, and what the account says of itself."""

from __future__ import annotations

import cloudflare
import httpx
import pytest

from tests.support.platform_fixture import Platform


def test_the_token_is_active_under_both_paths(platform: Platform) -> None:
    client = platform.client()

    mine = client.user.tokens.verify()
    ours = client.accounts.tokens.verify(account_id=platform.account_id)

    assert mine is not None
    assert ours is not None
    assert (mine.status, ours.status) == ("active", "active")


def test_a_wrong_token_is_refused_as_cloudflare_refuses_it(platform: Platform) -> None:
    with pytest.raises(cloudflare.PermissionDeniedError) as refused:
        platform.client("wrong").user.tokens.verify()

    assert _codes(refused.value.response) == [9109]


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer two words"])
def test_a_malformed_authorization_is_a_bad_request(platform: Platform, header: str) -> None:
    answer = httpx.get(
        f"{platform.api_base_url}/user/tokens/verify", headers={"authorization": header}
    )

    assert (answer.status_code, _codes(answer)) == (400, [6003])


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

    assert _codes(refused.value.response) == [7003]


def test_the_account_has_a_subdomain(platform: Platform) -> None:
    answer = platform.client().workers.subdomains.get(account_id=platform.account_id)

    assert answer is not None
    assert answer.subdomain == "local"


def test_the_addresses_of_cloudflare_need_no_token(platform: Platform) -> None:
    answer = httpx.get(f"{platform.api_base_url}/ips").json()

    assert answer["success"] is True
    assert set(answer["result"]) == {"ipv4_cidrs", "ipv6_cidrs", "etag"}


def test_an_unknown_call_is_an_honest_error(platform: Platform) -> None:
    answer = platform.api("POST", "workers/dispatch/namespaces", json={})

    assert (answer.status_code, _codes(answer)) == (404, [7003])
    assert answer.json()["success"] is False


@pytest.mark.parametrize("host", ["attacker.example", "localhost.attacker.example", "10.0.0.1"])
def test_a_host_that_is_not_ours_reaches_nothing(platform: Platform, host: str) -> None:
    headers = {"host": host, "authorization": f"Bearer {platform.token}"}

    answer = httpx.get(f"{platform.api_base_url}/user/tokens/verify", headers=headers)

    assert answer.status_code == 421


def _codes(answer: httpx.Response) -> list[int]:
    return [error["code"] for error in answer.json()["errors"]]
