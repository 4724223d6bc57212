"""The trace of a deployment: its time in the queue, its stages, and the programs that they ran."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from deployments.pipeline.stages import WENT_LIVE, Action, Stage, Status
from monitoring.traces.spans import LONGEST_ERROR, Ids, Span, SpanId, Value, present

MAX_PROGRAMS: Final = 200
LAST_STAGES: Final = tuple(stage.value for stage in Stage if stage.is_last)
_RESULTS: Final = {
    Status.SUCCEEDED: "success",
    Status.CANCELLED: "cancellation",
    Status.SUPERSEDED: "skip",
    Status.INTERRUPTED: "error",
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    """A deployment that has ended; `related` are the spans of those that it repeats or rolls back to."""

    pk: int
    action: Action
    status: Status
    cause: str
    message: str
    workflow_id: str
    workflow_name: str
    version_number: int
    target: str
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime
    related: tuple[SpanId, ...] = ()


@dataclass(frozen=True, slots=True)
class EnteredStage:
    stage: Stage
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that a deployment ran; `exit_code` is None if it was stopped at its time limit."""

    name: str
    ended_at: datetime
    seconds: float
    exit_code: int | None


def deployment_spans(
    ids: Ids,
    facts: DeploymentFacts,
    entered: Sequence[EnteredStage],
    programs: Sequence[Program] = (),
) -> Iterator[Span]:
    """Yield the spans of a deployment, each after its parent."""
    end = max([facts.finished_at, facts.created_at, *(each.at for each in entered)])
    yield _root(ids, facts, end)
    if facts.started_at:
        yield _child(ids, "QUEUED", facts.created_at, facts.started_at)
    stages = list(_stage_spans(ids, facts, entered))
    yield from stages
    for number, program in enumerate(programs[:MAX_PROGRAMS]):
        yield _program_span(ids, number, program, stages)


def _root(ids: Ids, facts: DeploymentFacts, end: datetime) -> Span:
    return Span(
        id=ids.root,
        name=f"{facts.action.label.lower()} {facts.workflow_name}",
        start=_nanoseconds(facts.created_at),
        end=_nanoseconds(end),
        attributes=_attributes(facts),
        has_failed=_has_failed(facts),
        error=_message(facts),
        links=facts.related,
    )


def _has_failed(facts: DeploymentFacts) -> bool:
    return _result(facts) in ("failure", "error")


def _result(facts: DeploymentFacts) -> str:
    return _RESULTS.get(facts.status, "failure")


def _message(facts: DeploymentFacts) -> str:
    return facts.message[:LONGEST_ERROR] if _has_failed(facts) else ""


def _attributes(facts: DeploymentFacts) -> dict[str, Value]:
    status = "succeeded" if facts.status in WENT_LIVE else "failed"
    return present(
        {
            "cicd.pipeline.name": facts.workflow_name,
            "cicd.pipeline.run.id": str(facts.pk),
            "cicd.pipeline.result": _result(facts),
            "deployment.id": str(facts.pk),
            "deployment.name": facts.workflow_name,
            "deployment.status": status,
            "deployment.environment.name": facts.target,
            "error.type": (facts.cause or "_OTHER") if _has_failed(facts) else None,
            "awaitstep.deployment.id": facts.pk,
            "awaitstep.deployment.action": facts.action.value,
            "awaitstep.deployment.status": facts.status.value,
            "awaitstep.deployment.attempt": facts.attempt,
            "awaitstep.workflow.id": facts.workflow_id,
            "awaitstep.workflow.name": facts.workflow_name,
            "awaitstep.version.number": facts.version_number,
            "awaitstep.target.name": facts.target,
        }
    )


def _stage_spans(
    ids: Ids, facts: DeploymentFacts, entered: Sequence[EnteredStage]
) -> Iterator[Span]:
    """Yield a span for each stage until the next one; the last record only ends the one before."""
    for current, following in pairwise(entered):
        is_failed = following.stage is Stage.FAILED and _has_failed(facts)
        result = _result(facts) if following.stage is Stage.FAILED else "success"
        yield _child(
            ids,
            current.stage.value,
            current.at,
            following.at,
            attributes={
                "cicd.pipeline.task.name": current.stage.value,
                "cicd.pipeline.task.run.id": f"{facts.pk}/{current.stage.value}",
                "cicd.pipeline.task.run.result": result,
            },
            error=_message(facts) if is_failed else None,
        )


def _child(
    ids: Ids,
    name: str,
    start: datetime,
    end: datetime,
    *,
    attributes: dict[str, Value] | None = None,
    error: str | None = None,
) -> Span:
    begun = _nanoseconds(start)
    return Span(
        id=ids.of(f"stage {name}"),
        parent=ids.root,
        name=name,
        start=begun,
        end=max(begun, _nanoseconds(end)),
        attributes={"awaitstep.stage": name, **(attributes or {})},
        has_failed=error is not None,
        error=error or "",
    )


def _program_span(ids: Ids, number: int, program: Program, stages: Sequence[Span]) -> Span:
    """Return the span of a program, in the stage in which it started."""
    end = _nanoseconds(program.ended_at)
    start = _nanoseconds(program.ended_at - timedelta(seconds=max(program.seconds, 0)))
    around = [stage for stage in stages if stage.start <= start <= stage.end]
    parent = around[-1].id if around else ids.root
    code = program.exit_code
    attributes: dict[str, Value | None] = {
        "process.executable.name": program.name,
        "process.exit.code": code,
    }
    return Span(
        id=ids.of(f"program {number}"),
        parent=parent,
        name=program.name,
        start=start,
        end=end,
        attributes=present(attributes),
        has_failed=code != 0,
        error="" if code == 0 else _program_error(code),
    )


def _program_error(code: int | None) -> str:
    return "It was stopped at its time limit." if code is None else f"It ended with code {code}."


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1_000
