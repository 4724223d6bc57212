"""The settings of a project in words: what its configuration sets, where, and what applies by default."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workflows.documents.projects.config import ProjectConfig, read_config
from workflows.documents.projects.contents import ProjectFiles
from workflows.documents.projects.wrangler.bounds import Path
from workflows.documents.projects.wrangler.source import Source, read_source
from workflows.ir.deploy.deploy_settings import Consumer


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedSetting:
    """A setting with its values, none if it is off or empty.

    `key` is its name in the configuration, and `line` where that sets it; 0 if it does not, so that the
    default applies.
    """

    label: str
    key: str
    values: tuple[str, ...]
    line: int = 0


def described_settings(files: ProjectFiles) -> list[DescribedSetting]:
    """Return the settings of a project that a deploy uses, in a fixed order."""
    source, config = read_source(files), read_config(files)
    return [
        DescribedSetting(label=label, key=".".join(path), values=values, line=_line(source, path))
        for label, path, values in _settings(config)
    ]


def _line(source: Source, path: tuple[str, ...]) -> int:
    """Return the line that sets a value; 0 if only something around it is set."""
    value: Any = source.data
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return 0
        value = value[name]
    where: Path = path
    return source.line_of(where)


def _settings(config: ProjectConfig) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    settings = config.settings
    yield "Main module", ("main",), _some(config.main)
    yield "Compatibility date", ("compatibility_date",), (settings.compatibility_date,)
    yield "Compatibility flags", ("compatibility_flags",), settings.compatibility_flags
    yield "workers.dev address", ("workers_dev",), (_on(settings.workers_dev),)
    yield "Preview addresses", ("preview_urls",), (_on(settings.preview_urls),)
    routes = tuple(f"{route.pattern} in {route.zone}" for route in settings.routes)
    yield "Routes and domains", ("routes",), (*routes, *settings.custom_domains)
    yield "Schedules", ("triggers", "crons"), settings.crons
    yield "Queue consumers", ("queues", "consumers"), tuple(map(_consumer, settings.consumers))
    yield "Placement", ("placement",), (settings.placement,)
    yield "CPU time per request", ("limits", "cpu_ms"), _cpu(settings.cpu_ms)
    yield "Logs", ("observability", "enabled"), (_on(settings.observability),)
    rate = settings.sampling_rate
    sampled = () if rate is None else (f"{rate:.0%}",)
    yield "Share of logged requests", ("observability", "head_sampling_rate"), sampled
    yield "Logpush", ("logpush",), (_on(settings.logpush),)
    for key, value in {**config.worker_options, **config.bundling}.items():
        yield f"More options of {key}", (key,), (json.dumps(value, ensure_ascii=False),)


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _on(value: bool) -> str:  # noqa: FBT001
    return "on" if value else "off"


def _cpu(milliseconds: int | None) -> tuple[str, ...]:
    return () if milliseconds is None else (f"{milliseconds:,} ms",)


def _consumer(consumer: Consumer) -> str:
    words = [f"batches of {consumer.max_batch_size}", f"{consumer.max_retries} retries"]
    if consumer.dead_letter_queue:
        words.append(f"then to {consumer.dead_letter_queue}")
    return f"{consumer.queue}: {', '.join(words)}"
