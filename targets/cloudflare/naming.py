"""Names and URLs of what a deployment creates on Cloudflare."""

from __future__ import annotations

import hashlib
import re
from typing import Final

PREFIX = "awaitstep-"

_MAX_LENGTH: Final = 63
_PLAIN: Final = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
_INVALID: Final = re.compile(r"[^a-z0-9]+")


def worker_name(workflow_id: str) -> str:
    """Return the name of the Worker and of its Workflow: at most 63 characters."""
    return PREFIX + workflow_id


def workflow_id(worker: str) -> str:
    """Return the id of the workflow that was deployed as this Worker."""
    return worker.removeprefix(PREFIX)


def resource_name(worker: str, binding: str) -> str:
    """Return the name of the resource for one binding of a Worker: `<worker>-my-kv`.

    It is valid for KV, D1, R2 and queues (at most 63 of a-z, 0-9 and -). Where two bindings would
    get the same name (`MY_KV` and `my_kv`, two long names) a digest distinguishes them.
    """
    plain = f"{worker}-{binding.lower().replace('_', '-')}"
    if _PLAIN.fullmatch(binding) and len(plain) <= _MAX_LENGTH:
        return plain
    digest = hashlib.sha256(binding.encode()).hexdigest()[:8]
    prefix = _INVALID.sub("-", plain)[: _MAX_LENGTH - len(digest) - 1].rstrip("-")
    return f"{prefix}-{digest}"


def dataset_name(worker: str, binding: str) -> str:
    """Return the name of the Analytics Engine dataset of a binding, which is an SQL table name."""
    return resource_name(worker, binding).replace("-", "_")


def worker_url(worker: str, subdomain: str) -> str:
    """Return the URL of a Worker on workers.dev."""
    return f"https://{worker}.{subdomain}.workers.dev"


def local_worker_url(worker: str, port: int) -> str:
    """Return the URL of a Worker on the embedded platform."""
    return f"http://{worker}.localhost:{port}"


def dashboard_url(worker: str, account_id: str) -> str:
    """Return the URL of the Worker's page in the Cloudflare dashboard."""
    return f"https://dash.cloudflare.com/{account_id}/workers/services/view/{worker}/production"
