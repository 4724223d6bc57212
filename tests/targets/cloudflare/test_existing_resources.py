"""What a person named is looked for on the target before anything is uploaded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from targets.cloudflare.account import Account
from targets.cloudflare.errors import DeployError
from targets.cloudflare.resources import exists, find_or_create
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
def test_a_resource_is_found_or_not(account: Account, kind: BindingKind) -> None:
    made = find_or_create(account, kind, f"looked-for-{kind.value}")

    assert exists(account, kind, made)
    assert not exists(account, kind, "looked-for-in-vain")


def test_what_cannot_be_looked_for_is_there(account: Account) -> None:
    assert exists(account, BindingKind.ANALYTICS, "any")


def test_a_token_that_may_not_look_gets_a_yes(account: Account) -> None:
    assert exists(replace(account, api_token="another"), BindingKind.KV, "any")


def test_a_target_that_does_not_answer_is_told(account: Account) -> None:
    away = replace(account, api_base_url="http://127.0.0.1:9")

    with pytest.raises(DeployError, match="Nothing answers"):
        exists(away, BindingKind.KV, "any")
