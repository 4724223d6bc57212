from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from deployments.pipeline.stages import Action, Stage, Status
from monitoring.traces.deployment_spans import (
    DeploymentFacts,
    EnteredStage,
    Program,
    deployment_spans,
)
from monitoring.traces.spans import Span, deployment_ids, masked
from tests.runs.examples import START

IDS = deployment_ids(UUID(int=7), 4, START)
FACTS = DeploymentFacts(
    pk=4,
    action=Action.DEPLOY,
    status=Status.SUCCEEDED,
    cause="",
    message="",
    workflow_id="wf1",
    workflow_name="Orders",
    version_number=3,
    target="production",
    attempt=1,
    created_at=START,
    started_at=START + timedelta(seconds=2),
    finished_at=START + timedelta(seconds=9),
)
SECOND = 1_000_000_000


def entered(*stages: tuple[Stage, float]) -> list[EnteredStage]:
    return [EnteredStage(stage, START + timedelta(seconds=at)) for stage, at in stages]


DEPLOYED = entered((Stage.INITIALIZING, 2), (Stage.DEPLOYING, 3), (Stage.COMPLETED, 9))
FAILED = entered((Stage.INITIALIZING, 2), (Stage.DEPLOYING, 3), (Stage.FAILED, 9))


def seconds(span: Span) -> tuple[float, float]:
    start = int(START.timestamp()) * SECOND
    return (span.start - start) / SECOND, (span.end - start) / SECOND


def test_a_deployment_is_a_span_with_its_wait_and_its_stages() -> None:
    root, queued, first, second = deployment_spans(IDS, FACTS, DEPLOYED)

    assert (root.name, root.parent, seconds(root)) == ("deploy Orders", None, (0, 9))
    assert [(span.name, seconds(span)) for span in (queued, first, second)] == [
        ("QUEUED", (0, 2)),
        ("INITIALIZING", (2, 3)),
        ("DEPLOYING", (3, 9)),
    ]
    assert {span.parent for span in (queued, first, second)} == {root.id}
    assert root.attributes["cicd.pipeline.result"] == "success"
    assert root.attributes["deployment.status"] == "succeeded"
    assert not root.has_failed


def test_the_stage_in_which_a_deployment_failed_has_the_error() -> None:
    failed = replace(FACTS, status=Status.FAILED, cause="quota", message="no " + "x" * 9_999)

    root, _, first, second = deployment_spans(IDS, failed, FAILED)

    assert (root.has_failed, root.attributes["error.type"]) == (True, "quota")
    assert root.error == second.error == failed.message[:500]
    assert (first.has_failed, second.has_failed) == (False, True)


@pytest.mark.parametrize(
    ("status", "result", "has_failed"),
    [
        (Status.CANCELLED, "cancellation", False),
        (Status.SUPERSEDED, "skip", False),
        (Status.INTERRUPTED, "error", True),
        (Status.PARTIAL, "failure", True),
    ],
)
def test_each_outcome_has_a_result_of_the_conventions(
    status: Status, result: str, *, has_failed: bool
) -> None:
    root, *_ = deployment_spans(IDS, replace(FACTS, status=status), FAILED)

    assert (root.attributes["cicd.pipeline.result"], root.has_failed) == (result, has_failed)


def test_a_deployment_that_never_started_is_one_span() -> None:
    waiting = replace(FACTS, status=Status.SUPERSEDED, started_at=None)

    (root,) = deployment_spans(IDS, waiting, entered((Stage.FAILED, 9)))

    assert seconds(root) == (0, 9)


def test_a_program_is_a_span_in_its_stage() -> None:
    programs = [
        Program(
            name="wrangler deploy", ended_at=START + timedelta(seconds=8), seconds=3, exit_code=code
        )
        for code in (0, 1, None)
    ]

    _, _, _, stage, *spans = deployment_spans(IDS, FACTS, DEPLOYED, programs)

    assert {(span.name, span.parent, seconds(span)) for span in spans} == {
        ("wrangler deploy", stage.id, (5, 8))
    }
    assert [span.error for span in spans] == [
        "",
        "It ended with code 1.",
        "It was stopped at its time limit.",
    ]
    assert len({span.id for span in spans}) == 3


def test_no_beginning_of_a_secret_remains_at_the_end_of_a_truncated_message() -> None:
    message = "x" * 490 + "sentinel-value"
    facts = replace(FACTS, status=Status.FAILED, message=message)

    spans = list(masked(deployment_spans(IDS, facts, FAILED), frozenset({"sentinel-value"})))

    assert [span.error[-4:] for span in spans if span.has_failed] == ["x•••", "x•••"]
