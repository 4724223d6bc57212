"""Which comparison comes next, of all that are due."""

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
    """A target where nothing answers: to ask it is what counts here."""
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"drift_hours": 6})
    return make_target()


def live(target: Target, *, hours: int | None = None) -> Workflow:
    """A workflow that is live, and was compared so many hours ago."""
    workflow = make_workflow()
    make_deployment(workflow=workflow, target=target, status="succeeded", version_id="v1")
    if hours is not None:
        checked_at = timezone.now() - timedelta(hours=hours)
        DriftCheck.objects.create(workflow=workflow, target=target, checked_at=checked_at)
    return workflow


def compared() -> set[Workflow]:
    """The workflows that were compared just now."""
    now = timezone.now() - timedelta(minutes=1)
    return {one.workflow for one in DriftCheck.objects.filter(checked_at__gte=now)}


def test_what_was_compared_longest_ago_comes_first(target: Target) -> None:
    live(target, hours=7)
    oldest = live(target, hours=9)
    live(target, hours=1)

    drift.check_due()

    assert compared() == {oldest}


def test_what_was_never_compared_comes_before_all_others(target: Target) -> None:
    live(target, hours=9)
    never = live(target)

    drift.check_due()

    assert compared() == {never}


def test_nothing_is_compared_before_its_time(target: Target) -> None:
    live(target, hours=5)

    drift.check_due()

    assert compared() == set()


def test_what_is_being_changed_keeps_no_other_waiting(target: Target) -> None:
    busy, other = live(target, hours=9), live(target, hours=7)
    make_deployment(workflow=busy, target=target, status="running")

    drift.check_due()

    assert compared() == {other}


def test_a_comparison_that_fails_keeps_no_other_waiting(
    target: Target, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, other = live(target, hours=9), live(target, hours=7)
    monkeypatch.setattr(drift, "account_of", lambda _target: 1 / 0)

    drift.check_due()
    drift.check_due()

    assert compared() == {broken, other}
    assert "ZeroDivisionError" in caplog.text
    assert {one.state for one in DriftCheck.objects.all()} == {DriftState.UNKNOWN}


def test_the_number_of_queries_does_not_grow(
    target: Target, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        live(target, hours=1)

    with django_assert_num_queries(3):
        assert len(drift.live_pairs()) == 5
