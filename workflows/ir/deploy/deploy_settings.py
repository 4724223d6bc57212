"""How a workflow is deployed: routes, domains, triggers beside the document's, limits.

The stored form is JSON with AwaitStep's names. It is read strictly: what is unknown is a mistake,
because a setting without effect is one that somebody relies on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from workflows.ir.deploy.route_patterns import domain_errors, is_host, route_errors
from workflows.ir.document.cron import cron_errors
from workflows.ir.document.triggers import QUEUE_NAME, QUEUE_NAME_RULE
from workflows.ir.reading.problems import Problem, quoted
from workflows.ir.reading.reader import Reader

COMPATIBILITY_DATE: Final = "2026-11-01"
COMPATIBILITY_FLAGS: Final = ("nodejs_compat",)
_OLDEST: Final = date(2021, 11, 2)
_FLAG: Final = re.compile(r"[a-z][a-z0-9_-]{0,79}")
PLACEMENTS: Final = ("off", "smart")


class InvalidSettings(Exception):
    """The settings cannot be used; `problems` holds every reason, in their order."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A pattern such as `api.example.com/orders/*`, and the zone that its host belongs to."""

    pattern: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """How a Worker takes a queue's messages; times are in seconds, no concurrency is the target's.

    A message is lost after the last try, and what keeps it from starting a run passes: by default
    it is tried for ten minutes.
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
    """All that decides how a Worker is deployed beside its code; `cpu_ms` None is the account's."""

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


def read_settings(value: Any) -> DeploySettings:
    """Return the settings of a JSON object; raises InvalidSettings with everything that is wrong."""
    log: list[Problem] = []
    if not isinstance(value, dict):
        raise InvalidSettings([Problem(path="settings", message="must be an object: {}")])
    settings = _read(Reader(value, path="", log=log))
    if log:
        raise InvalidSettings(log)
    return settings


def _read(reader: Reader) -> DeploySettings:
    placement, limits = reader.child("placement"), reader.child("limits")
    observability = reader.child("observability")
    found = DeploySettings(
        routes=tuple(_once(_routes(reader), reader, "routes")),
        custom_domains=tuple(_texts(reader, "customDomains", domain_errors)),
        workers_dev=reader.flag("workersDev", default=True),
        preview_urls=reader.flag("previewUrls", default=True),
        compatibility_date=_date(reader),
        compatibility_flags=_flags(reader),
        crons=tuple(_texts(reader, "cronTriggers", _cron_mistakes)),
        placement=placement.choice("mode", "off", PLACEMENTS) if placement else "off",
        cpu_ms=_optional(limits, "cpuMs", 10, 300_000) if limits else None,
        observability=observability.flag("enabled", default=True) if observability else True,
        sampling_rate=_rate(observability) if observability else None,
        logpush=reader.flag("logpush", default=False),
        consumers=tuple(_consumers(reader)),
    )
    for part in (reader, placement, limits, observability):
        if part:
            _refuse_unknown(part)
    return found


def _routes(reader: Reader) -> Iterator[Route]:
    for route in _objects(reader, "routes"):
        pattern, zone = route.string("pattern"), route.string("zoneName").lower()
        if zone and not is_host(zone):
            route.problem("zoneName", f"is a domain such as example.com, not {quoted(zone)}")
        elif pattern and zone:
            for mistake in route_errors(pattern, zone):
                route.problem("pattern", f"{quoted(pattern)}: {mistake}")
        _refuse_unknown(route)
        yield Route(pattern=pattern, zone=zone)


def _once(routes: Iterator[Route], reader: Reader, key: str) -> Iterator[Route]:
    seen: set[str] = set()
    for route in routes:
        if route.pattern in seen:
            reader.problem(key, f"{quoted(route.pattern)} stands there twice")
        seen.add(route.pattern)
        yield route


def _texts(reader: Reader, key: str, mistakes: Callable[[str], list[str]]) -> Iterator[str]:
    """Yield the texts of a list, each once, and note what is wrong with them."""
    value = reader.raw(key)
    if value is not None and not isinstance(value, list):
        reader.problem(key, "must be a list of texts")
        return
    seen: set[str] = set()
    for index, item in enumerate(value or []):
        if not isinstance(item, str):
            reader.problem(f"{key}.{index}", f"must be a text, not {quoted(item)}")
            continue
        text = " ".join(item.split())
        for mistake in mistakes(text):
            reader.problem(f"{key}.{index}", f"{quoted(item)}: {mistake}")
        if text not in seen:
            yield text
        seen.add(text)


def _cron_mistakes(expression: str) -> list[str]:
    return list(cron_errors(expression)) if expression else ["is empty"]


def _flags(reader: Reader) -> tuple[str, ...]:
    if not reader.has("compatibilityFlags"):
        reader.know("compatibilityFlags")
        return COMPATIBILITY_FLAGS
    return tuple(_texts(reader, "compatibilityFlags", _flag_mistakes))


def _flag_mistakes(flag: str) -> list[str]:
    return [] if _FLAG.fullmatch(flag) else ["is not a compatibility flag: nodejs_compat"]


def _date(reader: Reader) -> str:
    text = reader.string("compatibilityDate", COMPATIBILITY_DATE)
    try:
        given = date.fromisoformat(text)
    except ValueError:
        given = None
    if given is None or len(text) != 10:
        reader.problem("compatibilityDate", f"is a day such as {COMPATIBILITY_DATE}")
    elif not _OLDEST <= given <= date.fromisoformat(COMPATIBILITY_DATE):
        rule = f"lies between {_OLDEST} and {COMPATIBILITY_DATE}, the newest that is tried here"
        reader.problem("compatibilityDate", f"{rule}, not {quoted(text)}")
    return text


def _rate(observability: Reader) -> float | None:
    value = observability.raw("headSamplingRate")
    if value is None:
        return None
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    observability.problem("headSamplingRate", f"is a number from 0 to 1, not {quoted(value)}")
    return None


def _consumers(reader: Reader) -> Iterator[Consumer]:
    seen: set[str] = set()
    for one in _objects(reader, "queueConsumers"):
        queue, dead = one.string("queue"), one.string("deadLetterQueue", "")
        for key, name in (("queue", queue), ("deadLetterQueue", dead)):
            if name and not QUEUE_NAME.fullmatch(name):
                one.problem(key, f"{QUEUE_NAME_RULE}, not {quoted(name)}")
        if queue in seen:
            one.problem("queue", f"{quoted(queue)} has a consumer already: a queue has one")
        if dead and dead == queue:
            one.problem("deadLetterQueue", "cannot be the queue itself")
        seen.add(queue)
        yield Consumer(
            queue=queue,
            dead_letter_queue=dead,
            max_batch_size=one.integer("maxBatchSize", 10, least=1, most=100),
            max_batch_timeout=one.integer("maxBatchTimeout", 1, least=0, most=60),
            max_retries=one.integer("maxRetries", 10, least=0, most=100),
            max_concurrency=_optional(one, "maxConcurrency", 1, 250),
        )
        _refuse_unknown(one)


def _optional(reader: Reader, key: str, least: int, most: int) -> int | None:
    """Return a whole number that may be absent."""
    if reader.raw(key) is None:
        return None
    return reader.integer(key, None, least=least, most=most)


def _objects(reader: Reader, key: str) -> Iterator[Reader]:
    if reader.raw(key) is not None:
        yield from reader.objects(key)


def _refuse_unknown(reader: Reader) -> None:
    for name in sorted(reader.value.keys() - reader.known):
        reader.problem(name, "is not a deploy setting")
