"""Names and addresses of what a deployment makes on Cloudflare."""

from __future__ import annotations

PREFIX = "awaitstep-"


def worker_name(workflow_id: str) -> str:
    """The Worker's name, which is its Workflow's name too: 63 characters at most."""
    return PREFIX + workflow_id


def resource_name(worker: str, binding: str) -> str:
    """A name for a resource made for one binding of one Worker: `<worker>-my-kv`.

    It fits KV titles, D1 names and R2's rules (3-63 characters of a-z, 0-9 and -).
    """
    return f"{worker}-{binding.lower().replace('_', '-').strip('-')}"[:63].rstrip("-")


def worker_url(worker: str, subdomain: str) -> str:
    return f"https://{worker}.{subdomain}.workers.dev"


def local_worker_url(worker: str, port: int) -> str:
    return f"http://{worker}.localhost:{port}"


def dashboard_url(worker: str, account_id: str) -> str:
    """The Worker's page on Cloudflare's dashboard."""
    return f"https://dash.cloudflare.com/{account_id}/workers/services/view/{worker}/production"
