"""Deletion of Workers and Workflows, and the other Workers that use a Worker."""

from __future__ import annotations

from contextlib import suppress

import cloudflare
import httpx

from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account


def bound_workers(account: Account, worker: str) -> frozenset[str]:
    """Return the other Workers that are bound to this one, by the call that wrangler makes too."""
    path = f"/accounts/{account.account_id}/workers/scripts/{worker}/references"
    with account.explained("list the Workers that are bound to it", needs=SCRIPTS_READ):
        try:
            answer = account.client.get(path, cast_to=httpx.Response)
        except cloudflare.NotFoundError:
            return frozenset()
        incoming = (answer.json().get("result") or {}).get("services", {}).get("incoming") or []
        return frozenset(str(reference.get("service")) for reference in incoming) - {worker}


def delete_worker(account: Account, worker: str) -> None:
    """Delete the Worker, if it exists."""
    with (
        account.explained(f"delete the Worker {worker}", needs=SCRIPTS_WRITE),
        suppress(cloudflare.NotFoundError),
    ):
        account.client.workers.scripts.delete(worker, account_id=account.account_id)


def delete_workflow(account: Account, name: str) -> None:
    """Delete the Workflow with its runs, if it exists."""
    with (
        account.explained(f"delete the Workflow {name}", needs=SCRIPTS_WRITE),
        suppress(cloudflare.NotFoundError),
    ):
        account.client.workflows.delete(name, account_id=account.account_id)
