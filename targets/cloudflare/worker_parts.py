"""The parts of a deployed Worker: its code, its Workflow, its routes and its triggers.

wrangler applies them one after the other, so a failed deploy can leave some of them undone. They
are parsed from a wrangler.json (expected) and read from the target (actual), then compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from targets.cloudflare.workflow_config import as_config, describe, from_config
from workflows.ir.deploy.deploy_settings import Consumer
from workflows.ir.deploy.workflow_settings import WorkflowSettings


class PartKind(StrEnum):
    """The kinds of parts; pages show the `label`."""

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
    """A part by its kind and its name on the target: a pattern, a host, a queue."""

    kind: PartKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind.label} {self.name}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """The outcome for one part; `message` says why it failed."""

    part: Part
    is_done: bool
    message: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the result as a deployment stores it."""
        row = {"kind": self.part.kind.value, "name": self.part.name}
        return {**row, "done": self.is_done, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A part whose actual state is not the expected one; "" means that it does not exist."""

    part: Part
    expected: str
    actual: str

    def __str__(self) -> str:
        if not self.actual:
            return f"{self.part} is missing; it should be {self.expected}."
        if not self.expected:
            return f"{self.part} exists ({self.actual}) but should not."
        return f"{self.part} is {self.actual}, not {self.expected}."


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowPart:
    """A Workflow of the Worker: its class and its settings."""

    class_name: str
    settings: WorkflowSettings = field(default_factory=WorkflowSettings)

    def __str__(self) -> str:
        return "; ".join(filter(None, [f"class {self.class_name}", describe(self.settings)]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """The routes and triggers of a Worker.

    `workflows` holds its Workflows by name, `routes` maps patterns to zones.
    """

    workflows: Mapping[str, WorkflowPart] = field(default_factory=dict)
    workers_dev: bool = True
    preview_urls: bool = True
    routes: Mapping[str, str] = field(default_factory=dict)
    domains: frozenset[str] = frozenset()
    crons: frozenset[str] = frozenset()
    consumers: Mapping[str, Consumer] = field(default_factory=dict)

    @property
    def zones(self) -> frozenset[str]:
        return frozenset(self.routes.values())

    @property
    def classes(self) -> dict[str, str]:
        """The classes of the Workflows, by name."""
        return {name: part.class_name for name, part in self.workflows.items()}

    def descriptions(self) -> dict[Part, str]:
        """Return the state of each part as text, to be compared and displayed."""
        return dict(self._descriptions())

    def _descriptions(self) -> Iterator[tuple[Part, str]]:
        for name, workflow in self.workflows.items():
            yield Part(kind=PartKind.WORKFLOW, name=name), str(workflow)
        on, previews = _switch(self.workers_dev), _switch(self.preview_urls)
        yield Part(kind=PartKind.SUBDOMAIN, name=""), f"{on}, preview URLs {previews}"
        for pattern, zone in self.routes.items():
            yield Part(kind=PartKind.ROUTE, name=pattern), f"in zone {zone}"
        for domain in sorted(self.domains):
            yield Part(kind=PartKind.DOMAIN, name=domain), "on this Worker"
        if self.crons:
            yield Part(kind=PartKind.SCHEDULE, name=""), ", ".join(sorted(self.crons))
        for queue, consumer in self.consumers.items():
            yield Part(kind=PartKind.QUEUE, name=queue), _describe_consumer(consumer)

    def as_config(self) -> dict[str, Any]:
        """Return the triggers in the shape of a wrangler.json, to store them."""
        domains = [{"pattern": name, "custom_domain": True} for name in sorted(self.domains)]
        routes = [
            {"pattern": name, "zone_name": zone} for name, zone in sorted(self.routes.items())
        ]
        return {
            "workflows": [
                {"name": name, "class_name": part.class_name, **as_config(part.settings)}
                for name, part in sorted(self.workflows.items())
            ],
            "workers_dev": self.workers_dev,
            "preview_urls": self.preview_urls,
            "routes": [*routes, *domains],
            "triggers": {"crons": sorted(self.crons)},
            "queues": {"consumers": [asdict(consumer) for consumer in self.consumers.values()]},
        }


def _switch(on: bool) -> str:  # noqa: FBT001 - the only parameter
    return "on" if on else "off"


def _describe_consumer(consumer: Consumer) -> str:
    dead_letters, concurrency = consumer.dead_letter_queue, consumer.max_concurrency
    return (
        f"batches of {consumer.max_batch_size} messages or {consumer.max_batch_timeout} s, "
        f"{consumer.max_retries} retries {consumer.retry_delay} s apart"
        + (f", dead letters to {dead_letters}" if dead_letters else "")
        + (f", up to {concurrency} concurrent invocations" if concurrency else "")
    )


def parse_triggers(config: Mapping[str, Any]) -> Triggers:
    """Return the triggers of a wrangler.json; the defaults for what it does not set."""
    routes = config.get("routes", [])
    queues = config.get("queues", {}).get("consumers", [])
    return Triggers(
        workflows={
            workflow["name"]: WorkflowPart(
                class_name=workflow["class_name"], settings=from_config(workflow)
            )
            for workflow in config.get("workflows", [])
            if "script_name" not in workflow
        },
        workers_dev=config.get("workers_dev", True),
        preview_urls=config.get("preview_urls", True),
        routes={route["pattern"]: route["zone_name"] for route in routes if "zone_name" in route},
        domains=frozenset(route["pattern"] for route in routes if route.get("custom_domain")),
        crons=frozenset(config.get("triggers", {}).get("crons", [])),
        consumers={entry["queue"]: _consumer(entry) for entry in queues},
    )


def _consumer(entry: Mapping[str, Any]) -> Consumer:
    names = asdict(Consumer(queue=""))
    return Consumer(**{name: entry[name] for name in names if name in entry})


def differences(expected: Triggers, actual: Triggers) -> list[Difference]:
    """Return every part whose actual state is not the expected one, ordered by kind."""
    before, after = actual.descriptions(), expected.descriptions()
    parts = sorted({*after, *before}, key=lambda part: (list(PartKind).index(part.kind), part.name))
    return [
        Difference(part=part, expected=after.get(part, ""), actual=before.get(part, ""))
        for part in parts
        if after.get(part, "") != before.get(part, "")
    ]
