"""Deploy settings: routes, domains, limits, and triggers in addition to the document's.

They are stored as JSON. Unknown settings are errors: users would rely on a setting that has no
effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from workflows.ir.deploy.route_patterns import domain_errors, is_host, route_errors
from workflows.ir.deploy.workflow_settings import WorkflowSettings, read_workflow_settings
from workflows.ir.document.cron import cron_errors
from workflows.ir.document.triggers import QUEUE_NAME, QUEUE_NAME_RULE
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.reading.reader import Reader

COMPATIBILITY_DATE: Final = "2026-11-01"
COMPATIBILITY_FLAGS: Final = ("nodejs_compat",)
_OLDEST_DATE: Final = date(2021, 11, 2)
_FLAG: Final = re.compile(r"[a-z][a-z0-9_-]{0,79}")
PLACEMENTS: Final = ("off", "smart")


class InvalidSettings(Exception):
    """The settings cannot be used; `problems` holds all errors, in order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A pattern such as `api.example.com/orders/*`, and the zone of its host."""

    pattern: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """How a Worker consumes the messages of a queue; times are in seconds.

    Cloudflare drops a message after the last retry. The defaults retry for ten minutes, because
    what prevents a run from starting is usually temporary. Without `max_concurrency`, Cloudflare
    chooses it.
    """

    queue: str
    max_batch_size: int = 10
    max_batch_timeout: int = 1
    max_retries: int = 10
    retry_delay: int = 60
    dead_letter_queue: str = ""
    max_concurrency: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploySettings:
    """How a Worker is deployed, apart from its code; without `cpu_ms` the account's limit applies.

    `workflow` are the settings of its Workflow; a script has none.
    """

    routes: tuple[Route, ...] = ()
    custom_domains: tuple[str, ...] = ()
    workers_dev: bool = True
    preview_urls: bool = True
    compatibility_date: str = COMPATIBILITY_DATE
    compatibility_flags: tuple[str, ...] = COMPATIBILITY_FLAGS
    crons: tuple[str, ...] = ()
    placement: str = "off"
    cpu_ms: int | None = None
    observability: bool = True
    sampling_rate: float | None = None
    logpush: bool = False
    consumers: tuple[Consumer, ...] = field(default_factory=tuple)
    workflow: WorkflowSettings = field(default_factory=WorkflowSettings)


def read_settings(value: Any) -> DeploySettings:
    """Return the settings of a JSON object; raises InvalidSettings with all problems."""
    log: list[Problem] = []
    if not isinstance(value, dict):
        raise InvalidSettings([Problem(path="settings", message="must be an object: {}")])
    settings = _read(Reader(value, path="", log=log))
    if log:
        raise InvalidSettings(log)
    return settings


def _read(reader: Reader) -> DeploySettings:
    placement, limits = reader.child("placement"), reader.child("limits")
    observability, workflow = reader.child("observability"), reader.child("workflow")
    settings = DeploySettings(
        routes=tuple(_routes(reader)),
        custom_domains=tuple(_texts(reader, "customDomains", domain_errors)),
        workers_dev=reader.flag("workersDev", default=True),
        preview_urls=reader.flag("previewUrls", default=True),
        compatibility_date=_date(reader),
        compatibility_flags=_flags(reader),
        crons=tuple(_texts(reader, "cronTriggers", _cron_errors)),
        placement=placement.choice("mode", "off", PLACEMENTS) if placement else "off",
        cpu_ms=_optional_integer(limits, "cpuMs", 10, 300_000) if limits else None,
        observability=observability.flag("enabled", default=True) if observability else True,
        sampling_rate=_rate(observability) if observability else None,
        logpush=reader.flag("logpush", default=False),
        consumers=tuple(_consumers(reader)),
        workflow=_workflow(workflow) if workflow else WorkflowSettings(),
    )
    for part in (reader, placement, limits, observability, workflow):
        if part:
            _refuse_unknown(part)
    return settings


def _workflow(reader: Reader) -> WorkflowSettings:
    return read_workflow_settings(reader, tuple(_texts(reader, "schedules", _cron_errors)))


def _routes(reader: Reader) -> Iterator[Route]:
    patterns: set[str] = set()
    for route in _objects(reader, "routes"):
        pattern, zone = route.string("pattern"), route.string("zoneName").lower()
        if zone and not is_host(zone):
            route.problem("zoneName", f"must be a domain such as example.com, not {quoted(zone)}")
        elif pattern and zone:
            for error in route_errors(pattern, zone):
                route.problem("pattern", f"{quoted(pattern)}: {error}")
        if pattern in patterns:
            reader.problem("routes", f"{quoted(pattern)} is listed twice: remove one")
        patterns.add(pattern)
        _refuse_unknown(route)
        yield Route(pattern=pattern, zone=zone)


def _texts(reader: Reader, key: str, check: Callable[[str], list[str]]) -> Iterator[str]:
    """Yield the strings of a list without duplicates, and report the errors that `check` finds."""
    value = reader.raw(key)
    if value is not None and not isinstance(value, list):
        reader.problem(key, f"must be a list of strings, not {quoted(value)}")
        return
    seen: set[str] = set()
    for index, item in enumerate(value or []):
        if not isinstance(item, str):
            reader.problem(f"{key}.{index}", f"must be text, not {quoted(item)}")
            continue
        text = " ".join(item.split())
        for error in check(text):
            reader.problem(f"{key}.{index}", f"{quoted(item)}: {error}")
        if text not in seen:
            yield text
        seen.add(text)


def _cron_errors(expression: str) -> list[str]:
    return list(cron_errors(expression)) if expression else ["must not be empty"]


def _flags(reader: Reader) -> tuple[str, ...]:
    if not reader.has("compatibilityFlags"):
        reader.know("compatibilityFlags")
        return COMPATIBILITY_FLAGS
    return tuple(_texts(reader, "compatibilityFlags", _flag_errors))


def _flag_errors(flag: str) -> list[str]:
    return [] if _FLAG.fullmatch(flag) else ["must be a compatibility flag such as nodejs_compat"]


def _date(reader: Reader) -> str:
    text = reader.string("compatibilityDate", COMPATIBILITY_DATE)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or len(text) != 10:
        reader.problem(
            "compatibilityDate", f"must be a date such as {COMPATIBILITY_DATE}, not {quoted(text)}"
        )
    elif not _OLDEST_DATE <= day <= date.fromisoformat(COMPATIBILITY_DATE):
        rule = f"must be between {_OLDEST_DATE} and {COMPATIBILITY_DATE} (the newest date tested)"
        reader.problem("compatibilityDate", f"{rule}, not {quoted(text)}")
    return text


def _rate(observability: Reader) -> float | None:
    value = observability.raw("headSamplingRate")
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    observability.problem("headSamplingRate", f"must be a number from 0 to 1, not {quoted(value)}")
    return None


def _consumers(reader: Reader) -> Iterator[Consumer]:
    queues: set[str] = set()
    for consumer in _objects(reader, "queueConsumers"):
        queue, dead_letters = consumer.string("queue"), consumer.string("deadLetterQueue", "")
        for key, name in (("queue", queue), ("deadLetterQueue", dead_letters)):
            if name and not QUEUE_NAME.fullmatch(name):
                consumer.problem(key, f"{QUEUE_NAME_RULE}, not {quoted(name)}")
        if queue in queues:
            consumer.problem("queue", f"{quoted(queue)} already has a consumer: remove one")
        if dead_letters and dead_letters == queue:
            consumer.problem("deadLetterQueue", "must be a different queue")
        queues.add(queue)
        yield Consumer(
            queue=queue,
            dead_letter_queue=dead_letters,
            max_batch_size=consumer.integer("maxBatchSize", 10, least=1, most=100),
            max_batch_timeout=consumer.integer("maxBatchTimeout", 1, least=0, most=60),
            max_retries=consumer.integer("maxRetries", 10, least=0, most=100),
            max_concurrency=_optional_integer(consumer, "maxConcurrency", 1, 250),
        )
        _refuse_unknown(consumer)


def _optional_integer(reader: Reader, key: str, least: int, most: int) -> int | None:
    if reader.raw(key) is None:
        return None
    return reader.integer(key, None, least=least, most=most)


def _objects(reader: Reader, key: str) -> Iterator[Reader]:
    if reader.raw(key) is not None:
        yield from reader.objects(key)


def _refuse_unknown(reader: Reader) -> None:
    for name in sorted(reader.value.keys() - reader.known):
        reader.problem(name, "is not a deploy setting")
