"""wrangler.json: the whole configuration of a Worker except its secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, Final

from deployments.pipeline.config.bindings import Binding
from targets.cloudflare.resource_ids import SINGLE
from targets.cloudflare.workflow_config import as_config
from workflows.ir.deploy.deploy_settings import Consumer, DeploySettings
from workflows.ir.document.triggers import Trigger
from workflows.ir.reading.bindings import BindingKind

MAIN: Final = "worker.js"
PROJECT_MAIN: Final = f"code/{MAIN}"
"""The main module of a project: wrangler uploads what is next to it, so nothing else is in its folder."""


def wrangler_config(
    *,
    worker_name: str,
    variables: Mapping[str, Any],
    bindings: Sequence[Binding],
    trigger: Trigger,
    settings: DeploySettings,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the configuration. The main module is complete: npm packages are bundled before.

    The list of schedules is always present, because without it wrangler would keep old schedules.
    `options` are merged into the sections of the settings.
    """
    config = {
        "name": worker_name,
        "main": MAIN,
        "compatibility_date": settings.compatibility_date,
        "compatibility_flags": list(settings.compatibility_flags),
        "no_bundle": True,
        "workers_dev": settings.workers_dev,
        "preview_urls": settings.preview_urls,
        "send_metrics": False,
        "vars": dict(variables),
        "triggers": {"crons": _crons(trigger, settings)},
        **_runtime(settings),
        **_routes(settings),
        **_sections(bindings, settings),
        **_queues(bindings, trigger, settings),
    }
    return {**config, **{key: _merged(config.get(key), value) for key, value in options.items()}}


def _merged(section: Any, options: Any) -> Any:
    if isinstance(section, Mapping) and isinstance(options, Mapping):
        return {**section, **options}
    return options


def _crons(trigger: Trigger, settings: DeploySettings) -> list[str]:
    own = [trigger.expression] if trigger.kind == "cron" else []
    return list(dict.fromkeys([*own, *settings.crons]))


def _runtime(settings: DeploySettings) -> dict[str, Any]:
    observability: dict[str, Any] = {"enabled": settings.observability}
    if settings.sampling_rate is not None:
        observability["head_sampling_rate"] = settings.sampling_rate
    runtime = {
        "observability": observability,
        "logpush": settings.logpush,
        "placement": {"mode": settings.placement},
    }
    return runtime | ({"limits": {"cpu_ms": settings.cpu_ms}} if settings.cpu_ms else {})


def _routes(settings: DeploySettings) -> dict[str, Any]:
    routes = [
        *({"pattern": route.pattern, "zone_name": route.zone} for route in settings.routes),
        *({"pattern": domain, "custom_domain": True} for domain in settings.custom_domains),
    ]
    return {"routes": routes} if routes else {}


def _queues(
    bindings: Iterable[Binding], trigger: Trigger, settings: DeploySettings
) -> dict[str, Any]:
    producers = [
        {"binding": binding.name, "queue": binding.resource}
        for binding in bindings
        if binding.kind is BindingKind.QUEUE
    ]
    consumers = [_consumer(consumer) for consumer in consumers_of(trigger, settings)]
    queues = {"producers": producers, "consumers": consumers}
    filled = {name: entries for name, entries in queues.items() if entries}
    return {"queues": filled} if filled else {}


def consumers_of(trigger: Trigger, settings: DeploySettings) -> list[Consumer]:
    """Return the consumers of the settings, and that of the trigger unless it is among them."""
    queues = {consumer.queue for consumer in settings.consumers}
    if trigger.kind != "queue" or trigger.queue in queues:
        return [*settings.consumers]
    return [Consumer(queue=trigger.queue), *settings.consumers]


def _consumer(consumer: Consumer) -> dict[str, Any]:
    """Return the entry without unset values, for which the target has defaults."""
    return {name: value for name, value in asdict(consumer).items() if value not in ("", None)}


def _sections(bindings: Iterable[Binding], settings: DeploySettings) -> dict[str, Any]:
    """Return the list of entries for each kind; a kind that allows one binding has no list."""
    sections: dict[str, Any] = {}
    for binding in bindings:
        if binding.kind is BindingKind.QUEUE:  # see _queues
            continue
        section, key = SECTIONS[binding.kind]
        if binding.kind in SINGLE:
            sections[section] = {"binding": binding.name, **binding.settings}
        elif binding.kind is BindingKind.EMAIL:
            sections.setdefault(section, []).append({key: binding.name, **binding.settings})
        else:
            extra = _extra_keys(binding, settings)
            entry = {"binding": binding.name, key: binding.resource, **extra}
            sections.setdefault(section, []).append(entry)
    return sections


def _extra_keys(binding: Binding, settings: DeploySettings) -> dict[str, Any]:
    """Return more keys of an entry; the deploy settings have some for the Worker's own Workflow."""
    if binding.kind is BindingKind.D1:
        return {"database_name": binding.name.lower(), **binding.settings}
    if binding.kind is not BindingKind.WORKFLOW:
        return dict(binding.settings)
    own = {"script_name": binding.script} if binding.script else as_config(settings.workflow)
    return {**binding.settings, "class_name": binding.class_name, **own}


SECTIONS: Final = {
    BindingKind.KV: ("kv_namespaces", "id"),
    BindingKind.D1: ("d1_databases", "database_id"),
    BindingKind.R2: ("r2_buckets", "bucket_name"),
    BindingKind.SERVICE: ("services", "service"),
    BindingKind.WORKFLOW: ("workflows", "name"),
    BindingKind.AI: ("ai", ""),
    BindingKind.VECTORIZE: ("vectorize", "index_name"),
    BindingKind.HYPERDRIVE: ("hyperdrive", "id"),
    BindingKind.ANALYTICS: ("analytics_engine_datasets", "dataset"),
    BindingKind.BROWSER: ("browser", ""),
    BindingKind.EMAIL: ("send_email", "name"),
}
"""The section of each kind and the key of its resource, of its name for email senders.

Queues have a shape of their own.
"""
