"""The versions of a Worker on a real platform."""

from __future__ import annotations

import pytest

from targets.cloudflare import versions
from targets.cloudflare.account import Account
from targets.cloudflare.errors import Cause, DeployError
from tests.local_cloudflare.support.control import Control
from tests.local_cloudflare.support.workers import HELLO, deploy_worker
from tests.support.platform_fixture import Platform

WORKER = "versioned"


@pytest.fixture
def account(platform: Platform) -> Account:
    return Account(
        account_id=platform.account_id,
        api_base_url=platform.api_base_url,
        api_token=platform.token,
    )


def test_secrets_cannot_be_deleted_unless_the_newest_version_is_live(
    platform: Platform, account: Account, control: Control
) -> None:
    deploy_worker(platform, WORKER, HELLO)
    live = account.live(WORKER).version
    assert versions.newest_version(account, WORKER) == live

    newest = control.versions(WORKER, 2)[0]

    assert (versions.newest_version(account, WORKER), account.live(WORKER).version) == (
        newest,
        live,
    )
    with pytest.raises(DeployError, match="Deploy first, then delete the secrets") as refused:
        versions.delete_secrets(account, WORKER, ["TOKEN"])
    assert refused.value.cause is Cause.CHANGED


def test_a_missing_worker_has_no_version(account: Account) -> None:
    assert versions.newest_version(account, "never-uploaded") == ""
