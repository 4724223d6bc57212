"""Resources are looked up on the target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from targets.cloudflare import resources
from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.cloudflare.resources import ResourceIds, exists, list_all
from tests.support.platform_fixture import Platform
from workflows.ir.reading.bindings import BindingKind

STORES = [BindingKind.KV, BindingKind.D1, BindingKind.R2, BindingKind.QUEUE]


@pytest.fixture
def account(platform: Platform) -> Account:
    return Account(
        account_id=platform.account_id,
        api_base_url=platform.api_base_url,
        api_token=platform.token,
        local_port=platform.port,
    )


@pytest.mark.parametrize("kind", STORES)
def test_an_existing_resource_exists_and_a_missing_one_does_not(
    account: Account, kind: BindingKind
) -> None:
    created = ResourceIds(account).find_or_create(kind, f"looked-for-{kind.value}")

    assert exists(account, kind, created)
    assert not exists(account, kind, "looked-for-in-vain")


def test_resources_are_listed_once_for_all_bindings_of_a_kind(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists: list[BindingKind] = []

    def counted(account: Account, kind: BindingKind) -> list[resources.Resource]:
        lists.append(kind)
        return list_all(account, kind)

    monkeypatch.setattr(resources, "list_all", counted)
    ids = ResourceIds(account)

    created = [ids.find_or_create(BindingKind.KV, f"many-{number}") for number in range(3)]
    again = [ids.find(BindingKind.KV, f"many-{number}") for number in range(4)]

    assert again == [*created, ""]
    assert lists == [BindingKind.KV]
    assert ResourceIds(account).find(BindingKind.KV, "many-1") == created[1]


def test_a_kind_that_cannot_be_looked_up_counts_as_existing(account: Account) -> None:
    assert exists(account, BindingKind.ANALYTICS, "any")


def test_a_resource_that_the_token_may_not_read_counts_as_existing(account: Account) -> None:
    assert exists(replace(account, api_token="another"), BindingKind.KV, "any")


def test_an_unreachable_target_is_an_error(account: Account) -> None:
    away = replace(account, api_base_url="http://127.0.0.1:9")

    with pytest.raises(DeployError, match="No response from"):
        exists(away, BindingKind.KV, "any")
