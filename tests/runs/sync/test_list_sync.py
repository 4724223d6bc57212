"""How far lists are read: all new runs, and no page twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from runs.models import CallCount, Retention, Run, RunChange, Watermark
from runs.sync.call_budget import Budget, Use
from runs.sync.list_sync import ListReader, catch_up, possibly_changed, sync_new_runs
from targets.cloudflare.errors import DeployError
from targets.models import Target
from tests.deployments.factories import make_target, make_workflow
from tests.runs.examples import START
from tests.runs.fake_instances import WORKFLOW, FakeTarget

pytestmark = pytest.mark.django_db


@pytest.fixture
def target() -> Target:
    return make_target()


@pytest.fixture
def fake() -> FakeTarget:
    return FakeTarget()


def make_reader(fake: FakeTarget, target: Target, name: str = WORKFLOW) -> ListReader:
    budget = Budget(target.account_id)
    return ListReader(
        target=target, workflow_name=name, account=fake.account(target), budget=budget
    )


def sync(fake: FakeTarget, target: Target) -> ListReader:
    reader = make_reader(fake, target)
    sync_new_runs(reader)
    return reader


def some_time_passes() -> None:
    """Make the last check of every run a minute old."""
    Run.objects.update(checked_at=timezone.now() - timedelta(minutes=1))


def test_runs_behind_a_known_run_are_found(fake: FakeTarget, target: Target) -> None:
    fake.add(0)
    sync(fake, target)
    for number in range(1, 301):
        fake.add(number)
    newest = fake.add(301, "running")
    created = START + timedelta(seconds=301)
    Run.objects.create(
        target=target,
        workflow_name=WORKFLOW,
        instance_id=newest,
        status="running",
        created_at=created,
    )

    sync(fake, target)

    assert Run.objects.count() == 302


def test_an_interrupted_listing_continues_at_its_cursor(fake: FakeTarget, target: Target) -> None:
    for number in range(350):
        fake.add(number)
    fake.fails = {"cursor=200": 503}
    with pytest.raises(DeployError):
        sync(fake, target)
    assert Watermark.objects.get().complete_until is None
    fake.fails, fake.calls = {}, []
    fake.add(350)

    sync(fake, target)

    assert Run.objects.count() == 351
    assert len(fake.calls) == 3  # the first page, and the two pages that were missing
    assert Watermark.objects.get().complete_until == START + timedelta(seconds=350)


def test_an_expired_cursor_restarts_the_listing(fake: FakeTarget, target: Target) -> None:
    for number in range(250):
        fake.add(number)
    Watermark.objects.create(
        target=target, workflow_name=WORKFLOW, cursor="lost", newest_at=START + timedelta(days=1)
    )
    fake.fails = {"cursor=lost": 400}

    sync(fake, target)
    sync(fake, target)

    assert Run.objects.count() == 250


def test_an_old_open_run_does_not_cause_newer_runs_to_be_listed_again(
    fake: FakeTarget, target: Target
) -> None:
    fake.add(0, "waiting")
    for number in range(1, 1000):
        fake.add(number)
    sync(fake, target)
    fake.calls = []

    reader = sync(fake, target)

    assert len(fake.calls) == 1
    assert possibly_changed(reader) == ([Run.objects.get(is_open=True).pk], True)
    assert len(fake.calls) == 1


def test_lists_show_which_of_many_open_runs_have_changed(fake: FakeTarget, target: Target) -> None:
    for number in range(150):
        fake.add(number, "running")
    for number in range(150, 300):
        fake.add(number)
    sync(fake, target)
    some_time_passes()
    fake.change("run-7", "complete")
    fake.calls = []

    found, _ = possibly_changed(sync(fake, target))

    assert found == [Run.objects.get(instance_id="run-7").pk]
    assert len(fake.calls) == 3


@pytest.mark.long
def test_many_runs_that_ended_together_are_listed_instead_of_read_one_by_one(
    fake: FakeTarget, target: Target
) -> None:
    for number in range(1000):
        fake.add(number, "running")
    sync(fake, target)
    some_time_passes()
    for number in range(900):
        fake.change(f"run-{number}", "complete")
    fake.calls = []
    reader = sync(fake, target)

    left = catch_up(reader, possibly_changed(reader)[0])

    assert (left, len(fake.calls)) == ([], 11)
    assert Run.objects.filter(status="complete").count() == 900


@pytest.mark.long
def test_an_interrupted_check_of_many_runs_lists_no_page_twice(
    fake: FakeTarget, target: Target
) -> None:
    for number in range(1000):
        fake.add(number, "running")
    sync(fake, target)
    some_time_passes()
    for number in range(900):
        fake.change(f"run-{number}", "complete")
    reader = sync(fake, target)
    changed, _ = possibly_changed(reader)
    reader.budget.spend(Use.READS, Use.READS.share - reader.budget.spent_on(Use.READS) - 4)
    fake.calls = []

    left = catch_up(reader, changed)
    assert (len(left), len(fake.calls)) == (500, 4)
    CallCount.objects.all().delete()
    left = catch_up(sync(fake, target), left)

    assert (left, len(fake.calls)) == ([], 4 + 1 + 5)


def test_a_check_of_more_open_runs_than_the_limits_allow_continues_where_it_stopped(
    fake: FakeTarget, target: Target
) -> None:
    for number in range(1000):
        fake.add(number, "running")
    sync(fake, target)
    some_time_passes()
    oldest = fake.runs["run-3"]["id"]
    fake.change(oldest, "complete")
    found: list[int] = []

    for _ in range(4):
        CallCount.objects.all().delete()
        reader = sync(fake, target)
        reader.budget.spend(Use.READS, Use.READS.share - 3)
        found, _ = possibly_changed(reader)

    assert found == [Run.objects.get(instance_id=oldest).pk]


def test_a_scattered_change_among_many_runs_is_read_individually(
    fake: FakeTarget, target: Target
) -> None:
    changed = [fake.add(number * 500, "running") for number in range(7)]
    for number in range(3001):
        if number % 500:
            fake.add(number)
    sync(fake, target)
    some_time_passes()
    for id_ in changed:
        fake.change(id_, "complete")
    reader = sync(fake, target)
    fake.calls = []

    left = catch_up(reader, possibly_changed(reader)[0])

    assert len(left) == 6
    assert len(fake.calls) == 1


def test_runs_of_a_deleted_workflow_are_marked_as_gone(fake: FakeTarget, target: Target) -> None:
    fake.add(0, "waiting")
    sync(fake, target)
    fake.has_workflow = False

    sync(fake, target)

    run = Run.objects.get()
    assert (run.is_open, run.gone_at is not None) == (False, True)
    assert RunChange.objects.filter(run=run).count() == 2


def test_runs_deleted_by_the_retention_are_not_created_again(
    fake: FakeTarget, target: Target
) -> None:
    workflow = make_workflow()
    Retention.objects.create(workflow=workflow, days=3)
    fake.add(0)
    fake.add(1, "waiting")
    recent = fake.add(int((timezone.now() - START).total_seconds()) - 60)

    sync_new_runs(make_reader(fake, target, f"awaitstep-{workflow.pk}"))

    assert {run.instance_id for run in Run.objects.all()} == {"run-1", recent}
