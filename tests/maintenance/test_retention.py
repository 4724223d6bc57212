"""What the retention removes, what it never removes, and what pages say about it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from audit import trail
from audit.models import Entry
from audit.trail import SYSTEM, Subject
from deployments.models import Deployment, ProgramOutput, StageRecord
from maintenance.models import RetentionProgress
from maintenance.retention import pruning
from maintenance.retention.policies import POLICIES
from maintenance.retention.pruning import BatchSize, Pruner, prune_all
from runs.models import Retention, Run, RunStep
from tests.deployments.factories import make_deployment, make_target, make_workflow
from tests.runs.examples import live_deployment, make_run
from tests.support.page_text import text
from workflows.models import Workflow

pytestmark = pytest.mark.django_db
OUTPUT, STAGES, RUNS, AUDIT, ALERTS, MESSAGES = (policy.name for policy in POLICIES)


@pytest.fixture
def workflow() -> Workflow:
    return make_workflow()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "_PAUSE", 0.0)


def ended(workflow: Workflow, *, days: float, status: str = "succeeded", **more: Any) -> Deployment:
    """A deployment that ended some days ago, with an output and a stage record."""
    at = timezone.now() - timedelta(days=days)
    deployment = make_deployment(
        workflow=workflow,
        status=status,
        stage="COMPLETED" if status == "succeeded" else "DEPLOYING",
        created_at=at,
        finished_at=None if status == "running" else at,
        **more,
    )
    ProgramOutput.objects.create(deployment=deployment, program="wrangler", seconds=1, text="sent")
    StageRecord.objects.create(deployment=deployment, number=1, stage="COMPLETED", progress=100)
    return deployment


def having_output() -> list[int]:
    return list(ProgramOutput.objects.order_by("deployment").values_list("deployment", flat=True))


def test_old_output_is_removed_before_stage_records(workflow: Workflow) -> None:
    years, weeks, days, last = (ended(workflow, days=each) for each in (400, 40, 10, 5))

    removed = prune_all(by=SYSTEM)

    assert (removed[OUTPUT], removed[STAGES]) == (2, 1)
    assert having_output() == [days.pk, last.pk]
    assert not years.records.exists()
    assert weeks.records.exists()


def test_the_last_successful_deployment_of_each_target_keeps_everything(workflow: Workflow) -> None:
    other = make_target()
    first = ended(workflow, days=900)
    kept = [
        ended(workflow, days=800),
        ended(workflow, days=700, target=other),
        ended(workflow, days=600, status="partial"),
        ended(make_workflow(), days=500),
        ended(workflow, days=450, status="running"),
    ]
    failed = ended(workflow, days=400, status="failed")

    prune_all(by=SYSTEM)

    assert having_output() == [deployment.pk for deployment in kept]
    assert {record.deployment_id for record in StageRecord.objects.all()} == {
        deployment.pk for deployment in kept
    }
    assert Deployment.objects.filter(pk__in=[first.pk, failed.pk]).count() == 2


def test_nothing_of_a_deleted_target_is_kept(workflow: Workflow) -> None:
    old = ended(workflow, days=400)
    Deployment.objects.update(target=None)

    prune_all(by=SYSTEM)

    assert having_output() == []
    assert not old.records.exists()


def test_the_page_of_a_deployment_says_what_was_removed(
    workflow: Workflow, admin_client: Client
) -> None:
    old = ended(workflow, days=400)
    ended(workflow, days=300)
    prune_all(by=SYSTEM)

    page = text(admin_client.get(f"/deployments/{old.pk}/output/"))

    assert "The output of this deployment was removed. Output is kept for 30 days." in page
    assert "The times of the stages were removed. They are kept for 365 days." in page
    assert "not reached" not in page


def test_other_pages_do_not_claim_that_anything_was_removed(
    workflow: Workflow, admin_client: Client
) -> None:
    recent = ended(workflow, days=1)
    recent.outputs.all().delete()
    prune_all(by=SYSTEM)

    assert "removed" not in text(admin_client.get(f"/deployments/{recent.pk}/output/"))


def test_runs_are_kept_for_the_days_of_their_workflow_or_of_the_setting(workflow: Workflow) -> None:
    short, long = make_workflow(), make_workflow()
    Retention.objects.create(workflow=short, days=7)
    Retention.objects.create(workflow=long, days=1000)
    live = live_deployment()
    runs = {
        (name, days): make_run(
            live,
            workflow=owner,
            instance_id=f"{name}-{days}",
            created_at=timezone.now() - timedelta(days=days),
            is_open=name == "open",
            status="running" if name == "open" else "complete",
        )
        for name, owner in (("usual", workflow), ("short", short), ("long", long), ("open", short))
        for days in (1, 30, 400)
    }
    RunStep.objects.create(run=runs["usual", 400], name="one", kind="step")

    removed = prune_all(by=SYSTEM)

    assert removed[RUNS] == 3
    gone = {("usual", 400), ("short", 30), ("short", 400)}
    assert {run.pk for run in Run.objects.all()} == {
        run.pk for key, run in runs.items() if key not in gone
    }
    assert not RunStep.objects.exists()


@pytest.mark.parametrize("days", [0, None])
def test_zero_days_keep_the_runs_of_a_workflow(
    workflow: Workflow, settings: Settings, days: int | None
) -> None:
    """With a retention of 0 days, and with one that is deleted during a pass if the setting is 0."""
    at = timezone.now() - timedelta(days=9000)
    make_run(workflow=workflow, created_at=at, is_open=False, status="complete")
    retention = Retention.objects.create(workflow=workflow, days=7 if days is None else days)
    if days is None:
        settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update={"keep_runs_days": 0})
    (policy,) = [policy for policy in POLICIES if policy.name == RUNS]
    start = policy.next_batch("", 10)
    assert start.keys == []
    assert start.cursor
    if days is None:
        retention.delete()

    assert policy.next_batch(start.cursor, 10).keys == []
    assert prune_all(by=SYSTEM)[RUNS] == 0


def test_old_entries_are_removed_from_the_trail_which_records_how_many() -> None:
    for days in (500, 400, 300):
        at = timezone.now() - timedelta(days=days)
        Entry.objects.create(action="deploy", subject_kind="workflow", at=at)
    recent = trail.record("deploy", Subject("workflow"), by=SYSTEM)

    removed = prune_all(by=SYSTEM)

    assert removed[AUDIT] == 2
    applied = Entry.objects.get(action="retention applied")
    assert (applied.subject_name, applied.detail) == (AUDIT, {"removed": 2, "days": 365})
    kept, _ = Entry.objects.filter(action="deploy")
    assert kept == recent
    with pytest.raises(TypeError):
        Entry.objects.all().delete()


def test_zero_days_keep_everything(workflow: Workflow, settings: Settings) -> None:
    forever = {policy.setting: 0 for policy in POLICIES}
    settings.AWAITSTEP = settings.AWAITSTEP.model_copy(update=forever)
    for days in (9000, 8000):
        ended(workflow, days=days)
    make_run(created_at=timezone.now() - timedelta(days=9000), is_open=False, status="complete")

    assert set(prune_all(by=SYSTEM).values()) == {0}
    assert len(having_output()) == 2
    assert Run.objects.exists()


def test_a_dry_run_prints_what_the_command_then_removes(workflow: Workflow) -> None:
    for days in (500, 400, 40, 1):
        ended(workflow, days=days)

    dry, real = StringIO(), StringIO()
    call_command("prune", dry_run=True, stdout=dry)
    assert len(having_output()) == 4
    call_command("prune", stdout=real)

    assert having_output() == [Deployment.objects.latest("pk").pk]
    assert (
        "program output             3 to remove   AWAITSTEP_KEEP_OUTPUT_DAYS=30" in dry.getvalue()
    )
    assert dry.getvalue().replace("to remove", "removed") == real.getvalue()


def passes(pruner: Pruner) -> Iterator[int]:
    """Let the pruner work in small batches until nothing is due, and yield how many outputs are left."""
    pruner._size.value = 10
    while RetentionProgress.objects.filter(ended_at=None).exists() or (
        RetentionProgress.objects.count() < len(POLICIES)
    ):
        pruner.prune_next()
        yield ProgramOutput.objects.count()


def test_the_server_removes_batches_and_another_process_continues(
    workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BatchSize, "adjust", lambda *_: None)
    for _ in range(25):
        ended(workflow, days=100)

    first = passes(Pruner())
    left = [next(first), next(first)]
    left += passes(Pruner())

    assert left[:3] == [15, 5, 1]
    entry = Entry.objects.get(action="retention applied")
    assert (entry.subject_name, entry.detail) == (OUTPUT, {"removed": 24, "days": 30})
    assert entry.actor_name == ""


def test_a_policy_is_applied_again_after_a_day(workflow: Workflow) -> None:
    list(passes(Pruner()))
    for days in (40, 35):
        ended(workflow, days=days)

    Pruner().prune_next()
    assert len(having_output()) == 2
    RetentionProgress.objects.update(ended_at=timezone.now() - timedelta(hours=25))
    Pruner().prune_next()

    assert len(having_output()) == 1


def test_a_run_that_has_been_restarted_is_not_removed() -> None:
    at = timezone.now() - timedelta(days=400)
    run = make_run(created_at=at, is_open=False, status="complete")
    (batch,) = [policy.next_batch("", 10) for policy in POLICIES if policy.name == RUNS]
    Run.objects.update(is_open=True)

    assert batch.keys == [run.pk]
    assert batch.remove(batch.keys) == 0
    assert Run.objects.exists()


@pytest.mark.parametrize(("seconds", "size"), [(0.001, 150), (0.03, 100), (0.2, 50)])
def test_a_batch_is_as_large_as_its_time_allows(seconds: float, size: int) -> None:
    batch = BatchSize()

    batch.adjust(seconds)

    assert batch.value == size


def test_an_error_does_not_stop_the_poller_which_calls_the_pruner(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_policy: object) -> None:
        raise ValueError("of the database")

    monkeypatch.setattr(pruning, "_due", fail)

    Pruner().prune_next()

    assert "old rows could not be removed" in caplog.text
