"""Parsing what Cloudflare's API returns for runs: rows of a list, and one run with its steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from runs import statuses
from runs.models import Run, RunStep, max_length
from runs.steps.step_nodes import (
    NodeSource,
    nodes_of,
    plain_name,
    step_calls,
    with_handled_timeouts,
)
from runs.steps.step_reader import Step, due_at, error_text, read_steps
from toolchain.redaction import redact
from workflows.picture.from_code.model import CodePicture
from workflows.picture.states import State
from workflows.picture.timestamps import parse_timestamp

Raw = Mapping[str, Any]
LONGEST_TEXT: Final = 10_000
MAX_STORED_STEPS: Final = 1000  # of one run


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A run in a list."""

    instance_id: str
    status: str
    trigger: str
    version_id: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_open(self) -> bool:
        return not statuses.is_final(self.status)

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max((self.ended_at - self.started_at).total_seconds(), 0)


def read_row(raw: Raw) -> Row:
    """Read a row of `GET .../instances`."""
    return Row(
        instance_id=str(raw["id"]),
        status=str(raw["status"]),
        trigger=str(raw.get("trigger_source") or "unknown"),
        version_id=str(raw.get("version_id") or ""),
        created_at=parse_timestamp(raw["created_on"]) or datetime.now(UTC),
        started_at=parse_timestamp(raw.get("started_on")),
        ended_at=parse_timestamp(raw.get("ended_on")),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step without its output; `node_id` and `label` are as in RunStep."""

    name: str
    node_id: str
    label: str
    kind: str
    seconds: float | None
    attempts: int
    has_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A run with its steps; `params` and `output` are JSON, truncated to LONGEST_TEXT, and the
    other texts to the lengths of their fields in the index.

    `due_at` is when the next sleep ends, wait times out or step is retried.
    """

    status: str
    started_at: datetime | None
    ended_at: datetime | None
    error: str
    params: str
    output: str
    steps: tuple[StepRow, ...]
    waits_for: str
    waits_since: datetime | None
    due_at: datetime | None

    @property
    def retries(self) -> int:
        return sum(max(step.attempts - 1, 0) for step in self.steps)


def read_details(
    raw: Raw, *, secrets: Iterable[str] = (), document: NodeSource | None = None
) -> Details:
    """Read `GET .../instances/ID`; secrets are masked before texts are truncated.

    `document` is that of the run, or the picture of its class, to find the nodes of its steps.
    """
    hide = partial(redact, secrets=tuple(secrets))
    all_steps = read_steps(raw, is_over=False)
    named = [step for step in all_steps if "name" in step.raw]
    calls = step_calls(document, named[:MAX_STORED_STEPS])
    nodes = {number: call.node_id for number, call in calls.items()}
    steps = with_handled_timeouts(document, named, calls)
    waiting = [step for step in steps if step.state is State.WAITING]
    waits = [step.event_type or "event" for step in waiting]
    return Details(
        status=str(raw["status"]),
        started_at=parse_timestamp(raw.get("start")),
        ended_at=parse_timestamp(raw.get("end")),
        error=hide(error_text(raw.get("error")))[: max_length(Run, "error")],
        params=hide(_text(raw.get("params")))[:LONGEST_TEXT],
        output=hide(_text(raw.get("output")))[:LONGEST_TEXT],
        steps=tuple(_step(step, nodes.get(step.number, ""), document, hide) for step in steps),
        waits_for=hide(waits[-1])[: max_length(Run, "waits_for")] if waits else "",
        waits_since=min((step.start for step in waiting if step.start), default=None),
        due_at=min(filter(None, map(due_at, all_steps)), default=None),
    )


def _step(
    step: Step, node_id: str, document: NodeSource | None, hide: Callable[[str], str]
) -> StepRow:
    """Return the row of a step; the ids of nodes in code are their lines, which are not stored."""
    label = nodes_of(document)[node_id].name if node_id else plain_name(step.name)
    if isinstance(document, CodePicture):
        node_id = ""
    return StepRow(
        name=hide(step.name)[: max_length(RunStep, "name")],
        node_id=node_id[: max_length(RunStep, "node_id")],
        label=hide(label)[: max_length(RunStep, "label")],
        kind=step.kind,
        seconds=step.seconds,
        attempts=len(step.attempts),
        has_failed=step.state is State.FAILED,
    )


def _text(value: Any) -> str:
    if value in (None, ""):
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
