"""wrangler.json: all that wrangler is told about a Worker, secrets excepted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from deployments.cloudflare.bindings import Binding
from deployments.cloudflare.resources import SINGLE
from workflows.codegen.bindings import BindingKind
from workflows.ir.triggers import Trigger

COMPATIBILITY_DATE = "2026-11-01"
MAIN = "worker.js"

# A message is lost after the last try, and what keeps it from starting a run passes: ten minutes.
_CONSUMER: Final = {
    "max_batch_size": 10,
    "max_batch_timeout": 1,
    "max_retries": 10,
    "retry_delay": 60,
}


def wrangler_config(
    *,
    worker_name: str,
    variables: Mapping[str, str],
    bindings: Sequence[Binding],
    trigger: Trigger,
    bundled: bool,
) -> dict[str, Any]:
    """Return the configuration; `bundled` is for code that imports npm packages.

    Without packages no file beside the main module is read, whatever the code imports. No schedule
    is an empty list: without one wrangler would leave an old schedule as it is.
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
        "vars": dict(variables),
        "triggers": {"crons": [trigger.expression] if trigger.kind == "cron" else []},
        **_sections(bindings, trigger),
    }


def _sections(bindings: Iterable[Binding], trigger: Trigger) -> dict[str, Any]:
    """Return a list of entries for each kind; a single kind has its entry alone."""
    sections: dict[str, Any] = {}
    for binding in bindings:
        section, key = _SECTIONS[binding.kind]
        if binding.kind in SINGLE:
            sections[section] = {"binding": binding.name}
            continue
        entry = {"binding": binding.name, key: binding.resource, **_more(binding)}
        sections.setdefault(section, []).append(entry)
    if "queues" in sections:
        sections["queues"] = {"producers": sections["queues"]}
    if trigger.kind == "queue":
        consumer = {"queue": trigger.queue, **_CONSUMER}
        sections.setdefault("queues", {})["consumers"] = [consumer]
    return sections


def _more(binding: Binding) -> dict[str, str]:
    if binding.kind is BindingKind.D1:
        return {"database_name": binding.name.lower()}
    if binding.kind is not BindingKind.WORKFLOW:
        return {}
    elsewhere = {"script_name": binding.script} if binding.script else {}
    return {"class_name": binding.class_name, **elsewhere}


_SECTIONS: Final = {
    BindingKind.KV: ("kv_namespaces", "id"),
    BindingKind.D1: ("d1_databases", "database_id"),
    BindingKind.R2: ("r2_buckets", "bucket_name"),
    BindingKind.QUEUE: ("queues", "queue"),
    BindingKind.SERVICE: ("services", "service"),
    BindingKind.WORKFLOW: ("workflows", "name"),
    BindingKind.AI: ("ai", ""),
    BindingKind.VECTORIZE: ("vectorize", "index_name"),
    BindingKind.HYPERDRIVE: ("hyperdrive", "id"),
    BindingKind.ANALYTICS: ("analytics_engine_datasets", "dataset"),
    BindingKind.BROWSER: ("browser", ""),
}
