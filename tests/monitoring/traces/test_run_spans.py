from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import pytest

from monitoring.traces.run_spans import RunFacts, run_spans
from monitoring.traces.spans import Span, deployment_ids, masked, run_ids
from runs.index import step_times
from runs.index.step_times import RunTimes, run_times
from runs.models import Run
from runs.steps.parsing import read_details
from tests.runs.examples import START, at, attempted_step, waiting_step

INSTALLATION = UUID(int=7)
IDS = run_ids(INSTALLATION, 1, START)
DEPLOYMENT = deployment_ids(INSTALLATION, 5, START).root
FACTS = RunFacts(
    pk=1,
    instance_id="order-1",
    workflow_id="wf1",
    workflow_name="Orders",
    cloudflare_name="awaitstep-wf1",
    cloudflare_version="v-one",
    target="production",
    trigger="cron",
    deployment_id=5,
    version_number=3,
    deployment=DEPLOYMENT,
)
SECOND = 1_000_000_000


def times(*steps: Any, status: str = "complete", error: Any = None) -> RunTimes:
    data = {"status": status, "start": at(0), "end": at(60), "error": error, "steps": list(steps)}
    details = read_details(data)
    run = Run(
        status=status,
        created_at=START,
        started_at=details.started_at,
        ended_at=details.ended_at,
        error=details.error,
    )
    return run_times(run, data, details.steps)


def spans(*steps: Any, **fields: Any) -> list[Span]:
    return list(run_spans(IDS, FACTS, times(*steps, **fields)))


def seconds(span: Span) -> tuple[float, float]:
    start = int(START.timestamp()) * SECOND
    return (span.start - start) / SECOND, (span.end - start) / SECOND


def test_a_run_is_a_span_that_links_to_its_deployment() -> None:
    (run,) = spans()

    assert (run.name, run.parent, seconds(run)) == ("run Orders", None, (0, 60))
    assert run.links == (DEPLOYMENT,)
    assert run.attributes == {
        "faas.name": "awaitstep-wf1",
        "faas.version": "v-one",
        "faas.invocation_id": "order-1",
        "faas.trigger": "timer",
        "deployment.environment.name": "production",
        "awaitstep.run.id": 1,
        "awaitstep.run.status": "complete",
        "awaitstep.run.trigger": "cron",
        "awaitstep.run.steps": 0,
        "awaitstep.workflow.id": "wf1",
        "awaitstep.workflow.name": "Orders",
        "awaitstep.target.name": "production",
        "awaitstep.deployment.id": 5,
        "awaitstep.version.number": 3,
    }


def test_a_step_with_one_attempt_is_one_span() -> None:
    run, step = spans(attempted_step((1, 3, True)))

    assert (step.name, step.parent, seconds(step)) == ("charge-1", run.id, (1, 3))
    assert not step.has_failed


def test_each_attempt_of_a_retried_step_is_a_span_with_its_own_result() -> None:
    run, step, first, second = spans(attempted_step((1, 2, False), (4, 5, True)))

    assert (step.parent, seconds(step), step.has_failed) == (run.id, (1, 5), False)
    assert [seconds(each) for each in (first, second)] == [(1, 2), (4, 5)]
    assert {first.parent, second.parent} == {step.id}
    assert (first.has_failed, first.error, first.attributes["error.type"]) == (
        True,
        "Error: busy",
        "Error",
    )
    assert (second.has_failed, second.error) == (False, "")


def test_a_failed_run_has_the_error_and_its_class() -> None:
    failed = attempted_step((1, 2, False), success=False)

    run, step = spans(failed, status="errored", error={"name": "TypeError", "message": "no id"})

    assert (run.has_failed, run.error) == (True, "TypeError: no id")
    assert run.attributes["error.type"] == "TypeError"
    assert (step.has_failed, step.error) == (True, "Error: busy")


def test_a_step_that_was_open_when_the_run_was_terminated_ends_with_the_run() -> None:
    run, step, wait = spans(
        attempted_step((1, 2, None)), waiting_step(start=5, end=9_999), status="terminated"
    )

    assert not run.has_failed
    assert seconds(step) == (1, 60)
    assert seconds(wait)[0] == 5


def test_the_ids_are_the_same_whenever_the_trace_is_built_and_unique_in_it() -> None:
    steps = [attempted_step((1, 2, False), (4, 5, True)), waiting_step(), waiting_step("sleep")]

    first, second = spans(*steps), spans(*steps)

    assert [span.id for span in first] == [span.id for span in second]
    assert len({span.id.span for span in first}) == len(first)
    assert len({span.id.trace for span in first}) == 1
    assert run_ids(INSTALLATION, 2, START).root.trace != IDS.root.trace
    assert run_ids(UUID(int=8), 1, START).root.trace != IDS.root.trace


def test_a_huge_run_is_bounded_and_says_what_is_left_out() -> None:
    flaky = attempted_step(*((each, each, False) for each in range(60)), (60, 61, True))
    many = [{**flaky, "name": f"call-{number}"} for number in range(1, 61)]

    run, *others = spans(*many)

    assert len(others) <= step_times.MAX_PERIODS
    assert run.attributes["awaitstep.run.steps"] == 60
    shown = sum(span.parent == run.id for span in others)
    assert run.attributes["awaitstep.run.omitted_steps"] == 60 - shown
    assert others[0].attributes["awaitstep.step.attempts"] == 61
    assert others[-1].name.endswith("attempt 61")


def test_stored_times_are_read_back_as_they_were() -> None:
    stored = times(attempted_step((1, 2, False), (4, 5, True)), waiting_step())

    assert RunTimes.read(asdict(stored)) == stored


@pytest.mark.parametrize("secrets", [frozenset({"sentinel-value"}), None])
def test_secrets_are_masked_in_every_text(secrets: frozenset[str] | None) -> None:
    step = attempted_step((1, 2, False), name="safe-1", success=False)
    step["attempts"][0]["error"]["message"] = "with sentinel-value"

    texts = repr(list(masked(spans(step), secrets)))

    assert "sentinel" not in texts
