"""Names and addresses of what a deployment makes on Cloudflare."""

from __future__ import annotations

import hashlib
import re
from typing import Final

PREFIX = "awaitstep-"

_LONGEST: Final = 63
_PLAIN: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_FOREIGN: Final = re.compile(r"[^a-z0-9]+")


def worker_name(workflow_id: str) -> str:
    """The Worker's name, which is its Workflow's name too: 63 characters at most."""
    return PREFIX + workflow_id


def workflow_id(worker: str) -> str:
    """The id of the workflow that a Worker of ours is named after."""
    return worker.removeprefix(PREFIX)


def resource_name(worker: str, binding: str) -> str:
    """A name for a resource made for one binding of one Worker: `<worker>-my-kv`.

    It fits KV titles, D1 names and the rules of R2 and of queues (at most 63 of a-z, 0-9 and -).
    What these rules cannot tell apart (`MY_KV` and `my_kv`, two long names) a digest does.
    """
    plain = f"{worker}-{binding.lower().replace('_', '-')}"
    if _PLAIN.fullmatch(binding) and len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(binding.encode()).hexdigest()[:8]
    kept = _FOREIGN.sub("-", plain)[: _LONGEST - len(digest) - 1].rstrip("-")
    return f"{kept}-{digest}"


def dataset_name(worker: str, binding: str) -> str:
    """A name for the Analytics Engine dataset of one binding, which SQL reads as a table's."""
    return resource_name(worker, binding).replace("-", "_")


def worker_url(worker: str, subdomain: str) -> str:
    return f"https://{worker}.{subdomain}.workers.dev"


def local_worker_url(worker: str, port: int) -> str:
    return f"http://{worker}.localhost:{port}"


def dashboard_url(worker: str, account_id: str) -> str:
    """The Worker's page on Cloudflare's dashboard."""
    return f"https://dash.cloudflare.com/{account_id}/workers/services/view/{worker}/production"
