"""The versions of a Worker: their bindings and tags, and which one is live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cloudflare

from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account, codes, reason
from targets.cloudflare.errors import Cause, DeployError

NOT_NEWEST: Final = (
    "The live version is not the Worker's newest one, as after a rollback, so Cloudflare cannot delete "
    "secrets. Nothing was changed. Deploy first, then delete the secrets."
)

SECRETS_CHANGED = 10220
_NEWEST_NOT_DEPLOYED = {10214, 10215}
_TAG = "workers/tag"


def version_bindings(account: Account, worker: str, version: str) -> list[dict[str, Any]] | None:
    """Return the version's bindings in Cloudflare's format; None if it no longer exists."""
    content = _version(account, worker, version)
    if content is None:
        return None
    bindings: list[dict[str, Any]] = (content.get("resources") or {}).get("bindings") or []
    return bindings


def version_secrets(account: Account, worker: str, version: str) -> frozenset[str] | None:
    """Return the names of the version's secrets; None if it no longer exists."""
    bindings = version_bindings(account, worker, version)
    if bindings is None:
        return None
    return frozenset(str(each["name"]) for each in bindings if each.get("type") == "secret_text")


def version_tag(account: Account, worker: str, version: str) -> str:
    """Return the tag that the version was uploaded with; "" if it has none or does not exist."""
    content = _version(account, worker, version) or {}
    return str((content.get("annotations") or {}).get(_TAG, ""))


def _version(account: Account, worker: str, version: str) -> dict[str, Any] | None:
    with account.explained("read the Worker's version", needs=SCRIPTS_READ):
        try:  # raw: the SDK cannot parse this response
            answer = account.client.workers.scripts.versions.with_raw_response.get(
                version, account_id=account.account_id, script_name=worker
            )
        except (cloudflare.NotFoundError, cloudflare.BadRequestError):
            return None
    content: dict[str, Any] = answer.http_response.json().get("result") or {}
    return content


def newest_version(account: Account, worker: str) -> str:
    """Return the version that was created last, live or not; "" if there is none."""
    with account.explained("list the Worker's versions", needs=SCRIPTS_READ):
        try:
            page: Any = account.client.workers.scripts.versions.list(
                worker, account_id=account.account_id
            )
        except cloudflare.NotFoundError:
            return ""
    listed = page.result.items or [] if page.result else []
    return str(max(listed, key=lambda version: version.number or 0).id) if listed else ""


def make_live(account: Account, worker: str, version: str, *, message: str) -> None:
    """Send all requests to the version; raises DeployError if the target refuses."""
    with account.explained("make the version live", needs=SCRIPTS_WRITE):
        try:
            account.client.workers.scripts.deployments.create(
                worker,
                account_id=account.account_id,
                strategy="percentage",
                versions=[{"version_id": version, "percentage": 100}],
                annotations={"workers_message": message[:100]},
            )
        except (cloudflare.BadRequestError, cloudflare.ConflictError) as refused:
            raise _refusal(version, refused) from None


def _refusal(version: str, refused: cloudflare.APIStatusError) -> DeployError:
    if SECRETS_CHANGED in codes(refused):
        return DeployError(
            f"Cloudflare refuses to make version {version} live again, because secrets of the Worker "
            "have changed since. Nothing was changed. Deploy the earlier snapshot again instead: it "
            "uses the current secrets.",
            cause=Cause.SECRETS,
        )
    return DeployError(
        f"Cloudflare refuses to make version {version} live again: {reason(refused)}. Nothing was "
        "changed. Deploy the earlier snapshot again instead.",
        cause=Cause.TARGET,
    )


def delete_secrets(account: Account, worker: str, names: Iterable[str]) -> None:
    """Delete all of the secrets or none; Cloudflare creates one new version.

    Raises DeployError if the live version is not the newest one.
    """
    with account.explained("delete the secrets", needs=SCRIPTS_WRITE):
        try:
            account.client.workers.scripts.secrets.bulk_update(
                worker, account_id=account.account_id, secrets=dict.fromkeys(names)
            )
        except cloudflare.APIStatusError as refused:
            if codes(refused) & _NEWEST_NOT_DEPLOYED:
                raise DeployError(NOT_NEWEST, cause=Cause.CHANGED) from None
            raise
