"""The runtime settings of a wrangler.json: everything except code, env, routes and triggers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def runtime_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings by name as text, to be compared and displayed; "" if not set."""
    cpu_ms = config.get("limits", {}).get("cpu_ms")
    return {
        "compatibility date": config.get("compatibility_date", ""),
        "compatibility flags": ", ".join(sorted(config.get("compatibility_flags", []))),
        "placement": config.get("placement", {}).get("mode", ""),
        "CPU limit": f"{cpu_ms} ms" if cpu_ms else "",
        "Workers Logs": _logs(config.get("observability", {})),
        "Logpush": "on" if config.get("logpush") else "off",
    }


def _logs(observability: Mapping[str, Any]) -> str:
    if not observability.get("enabled"):
        return "off"
    rate = observability.get("head_sampling_rate")
    return "on" if rate is None else f"on, sampling rate {rate:g}"
