"""The names in a Worker's env: expected by a wrangler.json, and actual on the target."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deployments.pipeline.config.wrangler_config import SECTIONS
from workflows.ir.reading.bindings import BindingKind

VARIABLE: Final = "variable"
SECRET: Final = "secret"  # noqa: S105 - the word for it

# For each type of the API: the kind, and the keys that may hold the resource.
_TYPES: Final = {
    "kv_namespace": (BindingKind.KV, ("namespace_id",)),
    "d1": (BindingKind.D1, ("database_id", "id")),
    "r2_bucket": (BindingKind.R2, ("bucket_name",)),
    "queue": (BindingKind.QUEUE, ("queue_name",)),
    "service": (BindingKind.SERVICE, ("service",)),
    "workflow": (BindingKind.WORKFLOW, ("workflow_name",)),
    "vectorize": (BindingKind.VECTORIZE, ("index_name",)),
    "hyperdrive": (BindingKind.HYPERDRIVE, ("id",)),
    "analytics_engine": (BindingKind.ANALYTICS, ("dataset",)),
    "ai": (BindingKind.AI, ()),
    "browser": (BindingKind.BROWSER, ()),
    "send_email": (BindingKind.EMAIL, ()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvEntry:
    """The content of a name in env: its kind, and its value or resource ("" for secrets)."""

    kind: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.value}".rstrip()


def expected_env(config: Mapping[str, Any], secrets: Iterable[str]) -> dict[str, EnvEntry]:
    """Return the env of a wrangler.json and the names of its secrets."""
    env = {name: EnvEntry(kind=SECRET) for name in secrets}
    for name, value in config.get("vars", {}).items():
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        env[name] = EnvEntry(kind=VARIABLE, value=text)
    for kind, (section, key) in SECTIONS.items():
        entries = config.get(section, [])
        for entry in [entries] if isinstance(entries, Mapping) else entries:
            name = entry.get("binding")
            resource = entry.get(key, "") if name else ""
            env[name or entry[key]] = EnvEntry(kind=kind.label, value=resource)
    for entry in config.get("queues", {}).get("producers", []):
        env[entry["binding"]] = EnvEntry(kind=BindingKind.QUEUE.label, value=entry["queue"])
    return env


def actual_env(bindings: Iterable[Mapping[str, Any]]) -> dict[str, EnvEntry]:
    """Return the env of bindings in the API's shape; secrets have no value."""
    return {str(binding.get("name")): _entry(binding) for binding in bindings}


def _entry(binding: Mapping[str, Any]) -> EnvEntry:
    type_ = str(binding.get("type"))
    if type_ == "plain_text":
        return EnvEntry(kind=VARIABLE, value=str(binding.get("text", "")))
    if type_ == "json":
        return EnvEntry(kind=VARIABLE, value=json.dumps(binding.get("json"), sort_keys=True))
    if type_ == "secret_text":
        return EnvEntry(kind=SECRET)
    kind, keys = _TYPES.get(type_, (None, ()))
    value = next((str(binding[key]) for key in keys if binding.get(key)), "")
    return EnvEntry(kind=kind.label if kind else type_, value=value)
