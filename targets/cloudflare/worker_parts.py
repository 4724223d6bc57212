"""The parts of a deployed Worker: its code, and all that leads requests, messages and runs to it.

wrangler puts them up one after the other, so that some can be there and others not. They are read
from a wrangler.json (what was meant) and from the target (what is there), and compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from workflows.ir.deploy.deploy_settings import Consumer


class PartKind(StrEnum):
    CODE = "code"
    WORKFLOW = "workflow"
    SUBDOMAIN = "subdomain"
    ROUTE = "route"
    DOMAIN = "domain"
    SCHEDULE = "schedule"
    QUEUE = "queue"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    PartKind.CODE: "Code",
    PartKind.WORKFLOW: "Workflow",
    PartKind.SUBDOMAIN: "Workers.dev",
    PartKind.ROUTE: "Route",
    PartKind.DOMAIN: "Custom domain",
    PartKind.SCHEDULE: "Schedule",
    PartKind.QUEUE: "Queue consumer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part by its kind and its name at the target: a pattern, a host, a queue."""

    kind: PartKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.label} {self.name}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """What became of a part; `message` says why it failed."""

    part: Part
    is_done: bool
    message: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return what a deployment keeps."""
        row = {"kind": self.part.kind.value, "name": self.part.name}
        return {**row, "done": self.is_done, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A part that is not as it was meant; "" is one that is not there."""

    part: Part
    wanted: str
    found: str

    def __str__(self) -> str:
        if not self.found:
            return f"{self.part} is missing; it should be {self.wanted}."
        if not self.wanted:
            return f"{self.part} is there ({self.found}) and should not be."
        return f"{self.part} is {self.found}, not {self.wanted}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """What leads to a Worker.

    `workflows` are its classes by the names of their Workflows, `routes` the zones by their patterns.
    """

    workflows: Mapping[str, str] = field(default_factory=dict)
    workers_dev: bool = True
    preview_urls: bool = True
    routes: Mapping[str, str] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    crons: frozenset[str] = frozenset()
    consumers: Mapping[str, Consumer] = field(default_factory=dict)

    @property
    def zones(self) -> frozenset[str]:
        return frozenset(self.routes.values())

    def descriptions(self) -> dict[Part, str]:
        """Return each part with what it is, in words that can be compared and shown."""
        return dict(self._described())

    def _described(self) -> Iterator[tuple[Part, str]]:
        for name, class_name in self.workflows.items():
            yield Part(kind=PartKind.WORKFLOW, name=name), f"class {class_name}"
        on, previews = _switch(self.workers_dev), _switch(self.preview_urls)
        yield Part(kind=PartKind.SUBDOMAIN, name=""), f"{on}, preview URLs {previews}"
        for pattern, zone in self.routes.items():
            yield Part(kind=PartKind.ROUTE, name=pattern), f"in zone {zone}"
        for domain in sorted(self.domains):
            yield Part(kind=PartKind.DOMAIN, name=domain), "on this Worker"
        if self.crons:
            yield Part(kind=PartKind.SCHEDULE, name=""), ", ".join(sorted(self.crons))
        for queue, consumer in self.consumers.items():
            yield Part(kind=PartKind.QUEUE, name=queue), _consumer_words(consumer)


def _switch(on: bool) -> str:  # noqa: FBT001 - it is what the function is about
    return "on" if on else "off"


def _consumer_words(one: Consumer) -> str:
    dead = f", dead letters to {one.dead_letter_queue}" if one.dead_letter_queue else ""
    most = f", at most {one.max_concurrency} at once" if one.max_concurrency else ""
    return (
        f"{one.max_batch_size} messages or {one.max_batch_timeout} s, "
        f"{one.max_retries} retries {one.retry_delay} s apart{dead}{most}"
    )


def parse_triggers(config: Mapping[str, Any]) -> Triggers:
    """Return what a wrangler.json asks for; an empty one asks for nothing but the defaults."""
    routes = config.get("routes", [])
    queues = config.get("queues", {}).get("consumers", [])
    return Triggers(
        workflows={
            one["name"]: one["class_name"]
            for one in config.get("workflows", [])
            if "script_name" not in one
        },
        workers_dev=config.get("workers_dev", True),
        preview_urls=config.get("preview_urls", True),
        routes={one["pattern"]: one["zone_name"] for one in routes if "zone_name" in one},
        domains=frozenset(one["pattern"] for one in routes if one.get("custom_domain")),
        crons=frozenset(config.get("triggers", {}).get("crons", [])),
        consumers={one["queue"]: _consumer(one) for one in queues},
    )


def _consumer(entry: Mapping[str, Any]) -> Consumer:
    known = {name: entry[name] for name in asdict(Consumer(queue="")) if name in entry}
    return Consumer(**known)


def config_of(triggers: Triggers) -> dict[str, Any]:
    """Return triggers in the form of a wrangler.json, in which they can be kept."""
    domains = [{"pattern": name, "custom_domain": True} for name in sorted(triggers.domains)]
    routes = [{"pattern": one, "zone_name": zone} for one, zone in sorted(triggers.routes.items())]
    return {
        "workflows": [
            {"name": name, "class_name": class_name}
            for name, class_name in sorted(triggers.workflows.items())
        ],
        "workers_dev": triggers.workers_dev,
        "preview_urls": triggers.preview_urls,
        "routes": [*routes, *domains],
        "triggers": {"crons": sorted(triggers.crons)},
        "queues": {"consumers": [asdict(one) for one in triggers.consumers.values()]},
    }


def differences(wanted: Triggers, found: Triggers) -> list[Difference]:
    """Return every part that is not as it was meant, in the order of the kinds."""
    meant, there = wanted.descriptions(), found.descriptions()
    parts = sorted({*meant, *there}, key=lambda part: (list(PartKind).index(part.kind), part.name))
    return [
        Difference(part=part, wanted=meant.get(part, ""), found=there.get(part, ""))
        for part in parts
        if meant.get(part, "") != there.get(part, "")
    ]


def successes(parts: Iterable[Part]) -> list[PartResult]:
    return [PartResult(part=part, is_done=True) for part in parts]
