"""Which drift check runs next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from deployments import drift
from deployments.models import DriftCheck, DriftState
from targets.models import Target
from tests.deployments.factories import make_deployment, make_target, make_workflow
from workflows.models import Workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def target(settings: Settings) -> Target:
    """An unreachable target: only the attempt counts here."""
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"drift_hours": 6})
    return make_target()


def live(target: Target, *, hours: int | None = None) -> Workflow:
    """A live workflow that was checked this many hours ago."""
    workflow = make_workflow()
    make_deployment(workflow=workflow, target=target, status="succeeded", version_id="v1")
    if hours is not None:
        checked_at = timezone.now() - timedelta(hours=hours)
        DriftCheck.objects.create(workflow=workflow, target=target, checked_at=checked_at)
    return workflow


def compared() -> set[Workflow]:
    """Return the workflows that were just checked."""
    now = timezone.now() - timedelta(minutes=1)
    return {row.workflow for row in DriftCheck.objects.filter(checked_at__gte=now)}


def test_the_oldest_check_comes_first(target: Target) -> None:
    live(target, hours=7)
    oldest = live(target, hours=9)
    live(target, hours=1)

    drift.check_due()

    assert compared() == {oldest}


def test_a_worker_that_was_never_checked_comes_first(target: Target) -> None:
    live(target, hours=9)
    never = live(target)

    drift.check_due()

    assert compared() == {never}


def test_nothing_is_checked_before_it_is_due(target: Target) -> None:
    live(target, hours=5)

    drift.check_due()

    assert compared() == set()


def test_a_running_deployment_does_not_block_other_checks(target: Target) -> None:
    busy, other = live(target, hours=9), live(target, hours=7)
    make_deployment(workflow=busy, target=target, status="running")

    drift.check_due()

    assert compared() == {other}


def test_a_failing_check_does_not_block_other_checks(
    target: Target, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = live(target, hours=9), live(target, hours=7)
    monkeypatch.setattr(drift, "account_of", lambda _target: 1 / 0)

    drift.check_due()
    drift.check_due()

    assert compared() == {broken, other}
    assert "ZeroDivisionError" in caplog.text
    assert {row.state for row in DriftCheck.objects.all()} == {DriftState.UNKNOWN}


def test_the_number_of_queries_does_not_grow(
    target: Target, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        live(target, hours=1)

    with django_assert_num_queries(3):
        assert len(drift.live_pairs()) == 5
