"""A Worker's versions at the target: which there are, what they hold, which one is live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import cloudflare

from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account, codes, reason
from targets.cloudflare.errors import Cause, DeployError

NOT_NEWEST: Final = (
    "The live version is not the newest one of the Worker, as after a rollback: Cloudflare deletes no "
    "secret then. Nothing was changed. Deploy first, then delete the secrets."
)


SECRETS_CHANGED = 10220
_NEWEST_NOT_DEPLOYED = {10214, 10215}
_TAG = "workers/tag"


def version_bindings(account: Account, worker: str, version: str) -> list[dict[str, Any]] | None:
    """Return a version's bindings in Cloudflare's shape; None where the target has it no more."""
    whole = _version(account, worker, version)
    if whole is None:
        return None
    found: list[dict[str, Any]] = (whole.get("resources") or {}).get("bindings") or []
    return found


def version_tag(account: Account, worker: str, version: str) -> str:
    """Return the tag that the version was uploaded with; "" where it has none, or is gone."""
    whole = _version(account, worker, version) or {}
    return str((whole.get("annotations") or {}).get(_TAG, ""))


def _version(account: Account, worker: str, version: str) -> dict[str, Any] | None:
    with account.explained("read the Worker's version", needs=SCRIPTS_READ):
        try:  # raw: the SDK's own model of this answer cannot be built
            answer = account.client.workers.scripts.versions.with_raw_response.get(
                version, account_id=account.account_id, script_name=worker
            )
        except (cloudflare.NotFoundError, cloudflare.BadRequestError):
            return None
    whole: dict[str, Any] = answer.http_response.json().get("result") or {}
    return whole


def newest_version(account: Account, worker: str) -> str:
    """Return the version that was made last, live or not; "" where there is none."""
    with account.explained("list the Worker's versions", needs=SCRIPTS_READ):
        try:
            page: Any = account.client.workers.scripts.versions.list(
                worker, account_id=account.account_id
            )
        except cloudflare.NotFoundError:
            return ""
    made = page.result.items or [] if page.result else []
    return str(max(made, key=lambda one: one.number or 0).id) if made else ""


def make_live(account: Account, worker: str, version: str, *, message: str) -> None:
    """Send all requests to the version; raises DeployError where the target refuses.

    One call: refused, it has changed nothing.
    """
    with account.explained("put the version live", needs=SCRIPTS_WRITE):
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
            f"Cloudflare does not put version {version} live again, because secrets of the Worker "
            "have changed since. Nothing was changed. Deploy the earlier snapshot anew instead: it "
            "takes the secrets as they are now.",
            cause=Cause.CHANGED,
        )
    return DeployError(
        f"Cloudflare does not put version {version} live again: {reason(refused)}. Nothing was "
        "changed. Deploy the earlier snapshot anew instead.",
        cause=Cause.TARGET,
    )


def delete_secrets(account: Account, worker: str, names: Iterable[str]) -> None:
    """Delete secrets, all of them or none; Cloudflare makes one new version of it.

    Raises DeployError where a newer version than the live one is there.
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
