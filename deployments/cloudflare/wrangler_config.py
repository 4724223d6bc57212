"""wrangler.json: all that wrangler is told about a Worker, secrets excepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.cloudflare.bindings import Binding
from workflows.codegen.bindings import OWN_WORKFLOW, BindingKind

COMPATIBILITY_DATE = "2026-11-01"
MAIN = "worker.js"


def wrangler_config(
    *,
    worker_name: str,
    class_name: str,
    variables: Mapping[str, str],
    bindings: Sequence[Binding],
    bundled: bool,
) -> dict[str, Any]:
    """Return the configuration; `bundled` is for code that imports npm packages.

    Without packages no file beside the main module is read, whatever the code imports.
    """
    return {
        "name": worker_name,
        "main": MAIN,
        "compatibility_date": COMPATIBILITY_DATE,
        "compatibility_flags": ["nodejs_compat"],
        "no_bundle": not bundled,
        "workers_dev": True,
        "preview_urls": True,
        "send_metrics": False,
        "observability": {"enabled": True},
        "workflows": [{"name": worker_name, "binding": OWN_WORKFLOW, "class_name": class_name}],
        "vars": dict(variables),
        **_resources(bindings),
    }


def _resources(bindings: Sequence[Binding]) -> dict[str, list[dict[str, str]]]:
    sections: dict[str, list[dict[str, str]]] = {}
    for binding in bindings:
        section, key = _SECTIONS[binding.kind]
        entry = {"binding": binding.name, key: binding.resource}
        if binding.kind is BindingKind.D1:
            entry["database_name"] = binding.name.lower()
        sections.setdefault(section, []).append(entry)
    return sections


_SECTIONS = {
    BindingKind.KV: ("kv_namespaces", "id"),
    BindingKind.D1: ("d1_databases", "database_id"),
    BindingKind.R2: ("r2_buckets", "bucket_name"),
}
