"""The runtime settings of a wrangler.json: everything except code, env, routes and triggers."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final

_SHOWN_LOGS: Final = ("enabled", "head_sampling_rate")


def runtime_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings by name as text, to be compared and displayed; "" if not set."""
    limits, logs = config.get("limits", {}), config.get("observability", {})
    cpu_ms = limits.get("cpu_ms")
    return {
        "compatibility date": config.get("compatibility_date", ""),
        "compatibility flags": ", ".join(sorted(config.get("compatibility_flags", []))),
        "placement": _placement(config.get("placement", {})),
        "CPU limit": f"{cpu_ms} ms" if cpu_ms else "",
        "subrequest limit": str(limits.get("subrequests", "")),
        "Workers Logs": _logs(logs),
        "options of Workers Logs": _rest(logs, _SHOWN_LOGS),
        "Logpush": "on" if config.get("logpush") else "off",
    }


def _placement(placement: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [placement.get("mode", ""), _rest(placement, {"mode"})]))


def _rest(section: Mapping[str, Any], shown: Collection[str]) -> str:
    """Return the other keys of a section as JSON; "" for none."""
    rest = {key: value for key, value in section.items() if key not in shown}
    return json.dumps(rest, sort_keys=True, ensure_ascii=False) if rest else ""


def _logs(observability: Mapping[str, Any]) -> str:
    if not observability.get("enabled"):
        return "off"
    rate = observability.get("head_sampling_rate")
    return "on" if rate is None else f"on, sampling rate {rate:g}"
