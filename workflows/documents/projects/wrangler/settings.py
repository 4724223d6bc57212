"""The deploy settings in a wrangler configuration, and the options that deploy settings do not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.source import Source
from workflows.ir.deploy.deploy_settings import (
    Consumer,
    DeploySettings,
    InvalidSettings,
    read_settings,
)
from workflows.ir.reading.problems import listed, quoted

_CONSUMER_KEYS: Final = {
    "queue": "queue",
    "max_batch_size": "maxBatchSize",
    "max_batch_timeout": "maxBatchTimeout",
    "max_retries": "maxRetries",
    "dead_letter_queue": "deadLetterQueue",
    "max_concurrency": "maxConcurrency",
}
_KEYS: Final = {
    "zoneName": "zone_name",
    "pattern": "pattern",
    "headSamplingRate": "head_sampling_rate",
    **{camel: snake for snake, camel in _CONSUMER_KEYS.items()},
}
"""The keys of deploy settings in the configuration."""
_CLOUDFLARE_DEFAULTS: Final = {"maxBatchSize": 10, "maxBatchTimeout": 5, "maxRetries": 3}
_MAX_RETRY_DELAY: Final = 43_200
_TARGETED: Final = ("hint", "region", "host", "hostname")
_NO_ZONE: Final = 'has no zone: write {{ pattern = {pattern}, zone_name = "example.com" }} with the zone of its host'


class _Converted:
    """Deploy settings as JSON, and the key of the configuration that each part comes from."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.json: dict[str, Any] = {}
        self._paths: dict[str, Path] = {}

    def put(self, key: str, value: Any, path: Path) -> None:
        """Set a setting."""
        self.json[key] = value
        self._paths[key] = path

    def add(self, key: str, value: Any, path: Path) -> None:
        """Add a value to a list."""
        values = self.json.setdefault(key, [])
        self._paths[f"{key}.{len(values)}"] = path
        values.append(value)

    def settings(self) -> DeploySettings:
        """Return the settings without those that have problems, which are reported."""
        try:
            return read_settings(self.json)
        except InvalidSettings as invalid:
            for problem in invalid.problems:
                self.source.problem(self._path_of(problem.path), problem.message)
            bad = {problem.path.partition(".")[0] for problem in invalid.problems}
        return read_settings({key: value for key, value in self.json.items() if key not in bad})

    def _path_of(self, setting: str) -> Path:
        part = setting
        while part and part not in self._paths:
            part = part.rpartition(".")[0]
        member = setting.removeprefix(part).lstrip(".")
        path = self._paths.get(part, ())
        if member.isdigit():
            return (*path, int(member))
        return (*path, _KEYS[member]) if member in _KEYS else path


def deploy_settings(source: Source, config: Mapping[str, Any]) -> DeploySettings:
    """Return the deploy settings; problems are reported to the source.

    What the file does not set is as wrangler would deploy it, not as new workflows here have it.
    """
    converted = _Converted(source)
    routes = _routes(source, config)
    for path, route in routes:
        _add_route(converted, path, route)
    _add_flags(converted, config, has_routes=bool(routes))
    _add_runtime(converted, config)
    _add_triggers(converted, config)
    settings = converted.settings()
    return replace(settings, consumers=_with_delays(source, config, settings.consumers))


def _routes(source: Source, config: Mapping[str, Any]) -> list[tuple[Path, Any]]:
    routes: list[tuple[Path, Any]] = [
        (("routes", index), route) for index, route in enumerate(config.get("routes", []))
    ]
    if "route" in config:
        if routes:
            source.problem(("route",), "cannot be used together with routes: add it to the list")
        if config["route"]:
            routes.append((("route",), config["route"]))
    return routes


def _add_route(converted: _Converted, path: Path, route: Any) -> None:
    fields = {"pattern": route} if isinstance(route, str) else route
    pattern, zone = fields.get("pattern"), fields.get("zone_name")
    if pattern is None:
        return  # reported as missing
    for key, default in (("enabled", True), ("previews_enabled", False)):
        if fields.get(key, default) != default:
            message = f"can only be {quoted(default)}: remove it, or the domain"
            converted.source.problem((*path, key), message)
    if zone and "zone_id" in fields:
        converted.source.problem(
            (*path, "zone_id"), "cannot be used together with zone_name: remove it"
        )
    if fields.get("custom_domain"):
        converted.add("customDomains", pattern, path)
    elif zone:
        converted.add("routes", {"pattern": pattern, "zoneName": zone}, path)
    else:
        converted.source.problem(path, _NO_ZONE.format(pattern=quoted(pattern)))


def _add_flags(converted: _Converted, config: Mapping[str, Any], *, has_routes: bool) -> None:
    for key, setting, default in (
        ("workers_dev", "workersDev", not has_routes),
        ("preview_urls", "previewUrls", False),
        ("logpush", "logpush", False),
    ):
        converted.put(setting, config.get(key, default), (key,))


def _add_runtime(converted: _Converted, config: Mapping[str, Any]) -> None:
    flags = config.get("compatibility_flags", [])
    converted.put("compatibilityFlags", flags, ("compatibility_flags",))
    if config.get("compatibility_date"):
        converted.put("compatibilityDate", config["compatibility_date"], ("compatibility_date",))
    if config.get("placement", {}).get("mode") == "smart":
        converted.put("placement", {"mode": "smart"}, ("placement",))
    if "cpu_ms" in config.get("limits", {}):
        converted.put("limits", {"cpuMs": config["limits"]["cpu_ms"]}, ("limits", "cpu_ms"))
    logs = config.get("observability", {})
    _check_placement(converted.source, config.get("placement", {}))
    _check_observability(converted.source, config)
    observability = {"enabled": logs.get("enabled", False)}
    if "head_sampling_rate" in logs:
        observability["headSamplingRate"] = logs["head_sampling_rate"]
    converted.put("observability", observability, ("observability",))


def _check_placement(source: Source, placement: Mapping[str, Any]) -> None:
    mode, chosen = placement.get("mode"), [key for key in _TARGETED if placement.get(key)]
    if len(chosen) > 1:
        source.problem(("placement",), f"can only have one of {listed(chosen)}")
    elif mode == "targeted" and chosen in ([], ["hint"]):
        source.problem(("placement", "mode"), "needs a region, a host or a hostname")
    elif chosen == ["hint"] and mode != "smart":
        source.problem(("placement", "hint"), 'can only be used with the mode "smart"')
    elif chosen and chosen != ["hint"] and mode not in (None, "targeted"):
        source.problem(
            ("placement", "mode"), f"cannot be {quoted(mode)} with a {chosen[0]}: remove it"
        )
    elif placement and not chosen and not mode:
        source.problem(("placement", "mode"), 'is missing: write "smart" or "off"')


def _check_observability(source: Source, config: Mapping[str, Any]) -> None:
    parts = config.get("observability")
    if parts is None:
        return
    sections = [parts, *(parts.get(key, {}) for key in ("logs", "traces", "issues"))]
    if not any("enabled" in section for section in sections):
        source.problem(("observability", "enabled"), "is missing: write true or false")


def _add_triggers(converted: _Converted, config: Mapping[str, Any]) -> None:
    for index, cron in enumerate(config.get("triggers", {}).get("crons", [])):
        converted.add("cronTriggers", cron, ("triggers", "crons", index))
    for index, consumer in enumerate(config.get("queues", {}).get("consumers", [])):
        if "queue" not in consumer:
            continue  # reported as missing
        own = {
            _CONSUMER_KEYS[key]: value
            for key, value in consumer.items()
            if key in _CONSUMER_KEYS and value is not None
        }
        converted.add(
            "queueConsumers", {**_CLOUDFLARE_DEFAULTS, **own}, ("queues", "consumers", index)
        )


def _with_delays(
    source: Source, config: Mapping[str, Any], consumers: tuple[Consumer, ...]
) -> tuple[Consumer, ...]:
    delays = {}
    for index, consumer in enumerate(config.get("queues", {}).get("consumers", [])):
        delay = consumer.get("retry_delay", 0)
        if not isinstance(delay, int) or not 0 <= delay <= _MAX_RETRY_DELAY:
            source.problem(
                ("queues", "consumers", index, "retry_delay"),
                f"must be a whole number of seconds from 0 to {_MAX_RETRY_DELAY}, not {quoted(delay)}",
            )
        elif "queue" in consumer:
            delays[consumer["queue"]] = delay
    return tuple(
        replace(consumer, retry_delay=delays.get(consumer.queue, 0)) for consumer in consumers
    )


def worker_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the Worker that deploy settings do not have, in the shape of wrangler.json."""
    logs, placement = config.get("observability", {}), config.get("placement", {})
    is_targeted = any(key in placement for key in _TARGETED)
    options = {
        "limits": _part(config.get("limits", {}), ("subrequests",)),
        "observability": _part(logs, ("redact_query_string", "issues", "logs", "traces")),
        "placement": dict(placement) if is_targeted else {},
    }
    if is_targeted and "hint" not in placement:
        options["placement"]["mode"] = "targeted"
    return {key: value for key, value in options.items() if value}


def _part(values: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}
