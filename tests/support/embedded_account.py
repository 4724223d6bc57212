"""The account of an installation's embedded platform, and messages that its queues get."""

from __future__ import annotations

from targets.cloudflare.account import Account
from tests.support.installation import Installation
from tests.support.plain_http import request
from toolchain.embedded_platform import ACCOUNT_ID, platform_token


def account_of(installation: Installation) -> Account:
    port = installation.local_cloudflare_port
    return Account(
        account_id=ACCOUNT_ID,
        api_base_url=f"http://127.0.0.1:{port}/client/v4",
        api_token=platform_token(installation.data_dir),
        local_port=port,
    )


def send_message(account: Account, queue: str, body: object) -> None:
    listed = account.client.queues.list(account_id=account.account_id)
    ids = {item.queue_name: item.queue_id for item in listed}
    url = f"{account.api_base_url}/accounts/{account.account_id}/queues/{ids[queue]}/messages"
    headers = {"Authorization": f"Bearer {account.api_token}"}
    request("POST", url, json={"body": body}, headers=headers).raise_for_status()
