from __future__ import annotations

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from deployments.models import Deployment, StageRecord
from deployments.pipeline.errors import LeaseLost
from deployments.pipeline.stages import HAPPY_PATH, Stage, Status
from deployments.queue import leases, transitions
from deployments.queue.leases import Claim
from tests.deployments.factories import make_deployment

pytestmark = pytest.mark.django_db


def hold() -> Claim:
    return leases.grant(make_deployment(status=Status.RUNNING.value))


def enter(held: Claim, *stages: Stage) -> None:
    for stage in stages:
        transitions.enter(held.deployment.pk, held.token, stage=stage)


def test_each_stage_leaves_one_row() -> None:
    held = hold()

    enter(held, *HAPPY_PATH)

    rows = held.deployment.records.values_list("number", "stage", "progress")
    assert list(rows) == [(n, s.value, s.percent) for n, s in enumerate(HAPPY_PATH, start=1)]


def test_completing_succeeds_and_releases_the_lease() -> None:
    held = hold()

    enter(held, *HAPPY_PATH)

    ended = Deployment.objects.get()
    assert (ended.status, ended.finished_at is None) == ("succeeded", False)
    assert not hasattr(ended, "lease")


def test_a_stage_cannot_be_skipped_or_entered_twice() -> None:
    held = hold()
    enter(held, Stage.INITIALIZING)

    for stage in (Stage.INITIALIZING, Stage.CODE_READY):
        with pytest.raises(LeaseLost):
            enter(held, stage)
    assert StageRecord.objects.count() == 1


def test_a_process_that_lost_its_lease_changes_nothing() -> None:
    held = hold()
    stranger = Claim(held.deployment, uuid4())

    with pytest.raises(LeaseLost):
        enter(stranger, Stage.INITIALIZING)

    assert not StageRecord.objects.exists()


def test_a_failure_is_a_row_with_the_percentage_that_was_reached() -> None:
    held = hold()
    enter(held, Stage.INITIALIZING, Stage.GENERATING_CODE)

    transitions.end(held.deployment.pk, held.token, status=Status.FAILED, message="no")

    ended, row = Deployment.objects.get(), StageRecord.objects.last()
    assert row
    assert (row.stage, row.message, row.progress) == ("FAILED", "no", 15)
    assert (ended.status, ended.stage, ended.message) == ("failed", "GENERATING_CODE", "no")


def test_a_deployment_ends_once() -> None:
    held = hold()

    ends = [
        transitions.end(held.deployment.pk, held.token, status=status, message=status.value)
        for status in (Status.INTERRUPTED, Status.FAILED)
    ]

    assert ends == [True, False]
    assert Deployment.objects.get().status == "interrupted"


@pytest.mark.parametrize("status", ["queued", "running"])
def test_the_schema_allows_one_such_deployment_per_workflow_and_target(status: str) -> None:
    first = make_deployment(status=status)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_deployment(status=status, workflow=first.workflow, target=first.target)
