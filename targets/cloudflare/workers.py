"""Who is bound to a Worker at the target, and its end there: the Worker and its Workflows."""

from __future__ import annotations

from contextlib import suppress

import cloudflare
import httpx

from targets.cloudflare.account import SCRIPTS_READ, SCRIPTS_WRITE, Account


def bound_workers(account: Account, worker: str) -> frozenset[str]:
    """Return the other Workers that are bound to this one: one call, which wrangler makes too."""
    path = f"/accounts/{account.account_id}/workers/scripts/{worker}/references"
    with account.explained("look for who is bound to the Worker", needs=SCRIPTS_READ):
        try:
            answer = account.client.get(path, cast_to=httpx.Response)
        except cloudflare.NotFoundError:
            return frozenset()
    incoming = (answer.json().get("result") or {}).get("services", {}).get("incoming") or []
    return frozenset(str(one.get("service")) for one in incoming) - {worker}


def delete_worker(account: Account, worker: str) -> None:
    """Delete the Worker; what is gone already is no mistake."""
    with (
        account.explained(f"delete the Worker {worker}", needs=SCRIPTS_WRITE),
        suppress(cloudflare.NotFoundError),
    ):
        account.client.workers.scripts.delete(worker, account_id=account.account_id)


def delete_workflow(account: Account, name: str) -> None:
    """Delete the Workflow with its runs; what is gone already is no mistake."""
    with (
        account.explained(f"delete the Workflow {name}", needs=SCRIPTS_WRITE),
        suppress(cloudflare.NotFoundError),
    ):
        account.client.workflows.delete(name, account_id=account.account_id)
