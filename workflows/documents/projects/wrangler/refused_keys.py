"""The keys of a wrangler configuration that cannot be used here, with the alternative to each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workflows.documents.projects.wrangler.key import Key, refused

_OWN_WORKER: Final = "keep them in a Worker of their own, and call it through a service binding"
_NO_BINDING: Final = (
    "is a binding that is not supported: use it in a Worker of its own, and call that through a service "
    "binding"
)
_MODULE: Final = "is for Workers in the old format: import the file in your code instead"
_INTERNAL: Final = "is for Workers of Cloudflare: remove it"

REFUSED_KEYS: Final[Mapping[str, Key]] = {
    "env": refused(
        "is not supported: an environment is a target here. Write its settings at the top level, and "
        "deploy to a target for each environment"
    ),
    "durable_objects": refused(
        f"is not supported: Durable Objects have data of their own, {_OWN_WORKER}"
    ),
    "migrations": refused(f"are for Durable Objects, which are not supported: {_OWN_WORKER}"),
    "exports": refused(
        "is not supported: declare Workflows in `workflows`, and keep Durable Objects and entrypoints with "
        "settings in a Worker of their own"
    ),
    "containers": refused(f"are not supported: {_OWN_WORKER}"),
    "cloudchamber": refused(f"is for containers, which are not supported: {_OWN_WORKER}"),
    "assets": refused("are not supported: deploy static files with a Worker of their own"),
    "site": refused("is not supported: deploy static files with a Worker of their own"),
    "pages_build_output_dir": refused("is for Pages, which is not supported: use a Worker"),
    "dispatch_namespaces": refused(
        "are not supported: Workflows cannot be used with Workers for Platforms"
    ),
    "mtls_certificates": refused(f"are not supported: {_OWN_WORKER}"),
    "secrets_store_secrets": refused(
        "are not supported: add the secret as a secret variable of the workflow"
    ),
    "pipelines": refused(f"are not supported: {_OWN_WORKER}"),
    "k2": refused(f"is not supported: {_OWN_WORKER}"),
    "tail_consumers": refused("are not supported: use `observability` or `logpush`"),
    "streaming_tail_consumers": refused("are not supported: use `observability` or `logpush`"),
    "unsafe": refused("is not supported: remove it"),
    "unsafe_hello_world": refused("is not supported: remove it"),
    "logfwdr": refused(_INTERNAL),
    "first_party_worker": refused(_INTERNAL),
    "images": refused(_NO_BINDING),
    "media": refused(_NO_BINDING),
    "stream": refused(_NO_BINDING),
    "analytics": refused(_NO_BINDING),
    "version_metadata": refused(_NO_BINDING),
    "worker_loaders": refused(_NO_BINDING),
    "vpc_services": refused(_NO_BINDING),
    "vpc_networks": refused(_NO_BINDING),
    "ratelimits": refused(_NO_BINDING),
    "flagship": refused(_NO_BINDING),
    "artifacts": refused(_NO_BINDING),
    "agent_memory": refused(_NO_BINDING),
    "ai_search": refused(_NO_BINDING),
    "ai_search_namespaces": refused(_NO_BINDING),
    "connect": refused("is not supported: keep handlers of TCP and UDP in a Worker of their own"),
    "addresses": refused("is not supported: route email to a Worker of its own"),
    "cache": refused("is not supported: remove it, or use the Cache API in your code"),
    "compliance_region": refused("is not supported: the region is that of the account"),
    "python_modules": refused(
        "is for Python, which is not supported: write TypeScript or JavaScript"
    ),
    "wasm_modules": refused(_MODULE),
    "text_blobs": refused(_MODULE),
    "data_blobs": refused(_MODULE),
}
