"""The trace of a run: a span for the run, one for each step, and one for each attempt of a retried step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from monitoring.traces.spans import Ids, Span, SpanId, Value, present
from runs.index.step_times import AttemptTimes, RunTimes, StepTimes

_FAAS_TRIGGERS: Final = {"http": "http", "cron": "timer", "queue": "pubsub"}
_MICROSECOND: Final = 1_000  # nanoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the index knows about a run; `deployment` is the span of the deployment of its code."""

    pk: int
    instance_id: str
    workflow_id: str | None
    workflow_name: str
    cloudflare_name: str
    cloudflare_version: str
    target: str
    trigger: str
    deployment_id: int | None
    version_number: int | None
    deployment: SpanId | None


def run_spans(ids: Ids, facts: RunFacts, times: RunTimes) -> Iterator[Span]:
    """Yield the spans of a run, each after its parent."""
    start = times.created if times.start is None else times.start
    end = max(start, times.end or max(_ends(times), default=start))
    has_failed = times.status == "errored"
    yield Span(
        id=ids.root,
        name=f"run {facts.workflow_name}",
        start=start * _MICROSECOND,
        end=end * _MICROSECOND,
        attributes=_run_attributes(facts, times),
        has_failed=has_failed,
        error=times.error if has_failed else "",
        links=(facts.deployment,) if facts.deployment else (),
    )
    for number, step in enumerate(times.steps, 1):
        yield from _step_spans(ids, step, number, within=(start, end))


def _ends(times: RunTimes) -> Iterator[int]:
    for step in times.steps:
        for end in (step.end, *(attempt.end for attempt in step.attempts)):
            if end is not None:
                yield end


def _run_attributes(facts: RunFacts, times: RunTimes) -> dict[str, Value]:
    return present(
        {
            "faas.name": facts.cloudflare_name,
            "faas.version": facts.cloudflare_version,
            "faas.invocation_id": facts.instance_id,
            "faas.trigger": _FAAS_TRIGGERS.get(facts.trigger, "other"),
            "deployment.environment.name": facts.target,
            "error.type": _error_type(times.error) if times.status == "errored" else None,
            "awaitstep.run.id": facts.pk,
            "awaitstep.run.status": times.status,
            "awaitstep.run.trigger": facts.trigger,
            "awaitstep.run.steps": len(times.steps) + times.omitted,
            "awaitstep.run.omitted_steps": times.omitted or None,
            "awaitstep.workflow.id": facts.workflow_id,
            "awaitstep.workflow.name": facts.workflow_name,
            "awaitstep.target.name": facts.target,
            "awaitstep.deployment.id": facts.deployment_id,
            "awaitstep.version.number": facts.version_number,
        }
    )


def _step_spans(
    ids: Ids, step: StepTimes, number: int, *, within: tuple[int, int]
) -> Iterator[Span]:
    """Yield the span of a step, which is also that of its only attempt, or those of its attempts."""
    key = f"step {number}"
    start, end = _period(step, within)
    attributes: dict[str, Value | None] = {
        "error.type": _error_type(step.error) if step.has_failed else None,
        "awaitstep.step.number": number,
        "awaitstep.step.name": step.name,
        "awaitstep.step.kind": step.kind,
        "awaitstep.step.attempts": step.attempt_count or None,
        "awaitstep.node.id": step.node_id,
    }
    span = Span(
        id=ids.of(key),
        parent=ids.root,
        name=step.name,
        start=start * _MICROSECOND,
        end=end * _MICROSECOND,
        attributes=present(attributes),
        has_failed=step.has_failed,
        error=step.error,
    )
    yield span
    if step.attempt_count > 1:
        for attempt in step.attempts:
            yield _attempt_span(ids.of(f"{key} attempt {attempt.number}"), attempt, span)


def _period(step: StepTimes, within: tuple[int, int]) -> tuple[int, int]:
    """Return when a step started and ended; one without an end was running when the run ended."""
    starts = [step.start, *(attempt.start for attempt in step.attempts)]
    start = min((each for each in starts if each is not None), default=within[0])
    ends = [step.end, *(attempt.end for attempt in step.attempts)]
    last = max((each for each in ends if each is not None), default=within[1])
    is_open = step.end is None and not step.has_failed
    return start, max(start, within[1] if is_open else min(last, within[1]))


def _attempt_span(span_id: SpanId, attempt: AttemptTimes, step: Span) -> Span:
    start = step.start if attempt.start is None else attempt.start * _MICROSECOND
    end = step.end if attempt.end is None else attempt.end * _MICROSECOND
    attributes: dict[str, Value | None] = {
        "error.type": _error_type(attempt.error) if attempt.has_failed else None,
        "awaitstep.attempt.number": attempt.number,
        "awaitstep.step.name": step.name,
    }
    return Span(
        id=span_id,
        parent=step.id,
        name=f"{step.name} attempt {attempt.number}",
        start=start,
        end=max(start, end),
        attributes=present(attributes),
        has_failed=attempt.has_failed,
        error=attempt.error if attempt.has_failed else "",
    )


def _error_type(error: str) -> str:
    """Return the class of an error such as "TypeError: x is not a function"."""
    name = error.partition(":")[0]
    return name if name.isidentifier() else "_OTHER"
