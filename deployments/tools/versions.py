"""A Worker's versions at the target: which there are, what they hold, which one is live."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cloudflare

from deployments.errors import Cause, DeployError
from deployments.tools.account import SCRIPTS_READ, SCRIPTS_WRITE, Account, codes, reason

SECRETS_CHANGED = 10220


def bindings_of(account: Account, worker: str, version: str) -> list[dict[str, Any]] | None:
    """Return a version's bindings in Cloudflare's shape; None where the target has it no more."""
    with account.explained("read the Worker's version", needs=SCRIPTS_READ):
        try:  # raw: the SDK's own model of this answer cannot be built
            answer = account.client.workers.scripts.versions.with_raw_response.get(
                version, account_id=account.account_id, script_name=worker
            )
        except (cloudflare.NotFoundError, cloudflare.BadRequestError):
            return None
    whole = answer.http_response.json().get("result") or {}
    found: list[dict[str, Any]] = (whole.get("resources") or {}).get("bindings") or []
    return found


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


def delete_secret(account: Account, worker: str, name: str) -> None:
    """Delete a secret; what is gone already is no mistake."""
    with account.explained(f"delete the secret {name}", needs=SCRIPTS_WRITE):
        try:
            account.client.workers.scripts.secrets.delete(
                name, account_id=account.account_id, script_name=worker
            )
        except cloudflare.NotFoundError:
            return


def users_of(account: Account, worker: str, workers: Iterable[str]) -> frozenset[str]:
    """Return those of `workers` whose live version is bound to this one."""
    found = set()
    for other in workers:
        live = account.live(other).version
        for binding in (bindings_of(account, other, live) if live else None) or []:
            if worker in (binding.get("service"), binding.get("script_name")):
                found.add(other)
    return frozenset(found - {worker})


def workers(account: Account) -> list[str]:
    """Return the names of all Workers of the account."""
    with account.explained("list the Workers", needs=SCRIPTS_READ):
        listed = account.client.workers.scripts.list(account_id=account.account_id)
        return [str(one.id) for one in listed]


def delete_worker(account: Account, worker: str) -> None:
    """Delete the Worker; what is gone already is no mistake."""
    with account.explained(f"delete the Worker {worker}", needs=SCRIPTS_WRITE):
        try:
            account.client.workers.scripts.delete(worker, account_id=account.account_id)
        except cloudflare.NotFoundError:
            return


def delete_workflow(account: Account, name: str) -> None:
    """Delete the Workflow with its runs; what is gone already is no mistake."""
    with account.explained(f"delete the Workflow {name}", needs=SCRIPTS_WRITE):
        try:
            account.client.workflows.delete(name, account_id=account.account_id)
        except cloudflare.NotFoundError:
            return
